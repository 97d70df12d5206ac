MODEL (
  name intermediate.int_effective_parameters,
  kind FULL,
  owner people_analytics,
  tags (intermediate, parameters),
  grain (parameter, level_id, simulation_year),
  description 'One row per parameter, level and year: what the scenario resolves to, and the tier it came from.',
  column_descriptions (
    parameter = 'Lever or assumption',
    level_id = 'Level the parameter is for; null when it is for all',
    simulation_year = 'Year; null when the parameter does not vary by year',
    value = 'Value as text',
    tier = 'scenario, dynamic, default or fallback'
  ),
  audits (
    unique_combination_of_columns(columns := (parameter, level_id, simulation_year))
  )
);

SELECT
  CAST(parameter AS TEXT) AS parameter,
  CAST(level_id AS INT) AS level_id,
  CAST(simulation_year AS INT) AS simulation_year,
  CAST(value AS TEXT) AS value,
  CAST(tier AS TEXT) AS tier
FROM @parameters_table()
