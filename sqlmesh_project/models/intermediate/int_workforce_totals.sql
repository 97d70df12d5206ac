MODEL (
  name intermediate.int_workforce_totals,
  kind FULL,
  owner workforce_planning,
  tags (intermediate, dynamics),
  grain (simulation_year, level_id),
  description 'One row per simulated year and level with employees in it: counts of hires, exits and promotions.',
  column_descriptions (
    simulation_year = 'Simulated year',
    level_id = 'Level at year end, or at exit',
    opening_headcount = 'Employed at the opening',
    hires = 'Hired in the year, including those who left again',
    terminations = 'All exits of the year',
    experienced_terminations = 'Voluntary exits of people employed at the opening',
    new_hire_terminations = 'Hires of the year who left again',
    first_year_terminations = 'Exits within twelve months of the hire, of hires of the year and of the year before',
    reductions = 'Exits made to reach a lower target headcount',
    promotions = 'Promoted into the level in the year'
  ),
  audits (
    unique_combination_of_columns(columns := (simulation_year, level_id))
  )
);

SELECT
  CAST(simulation_year AS INT) AS simulation_year,
  CAST(level_id AS INT) AS level_id,
  CAST(COUNT(CASE WHEN NOT is_hire THEN 1 END) AS BIGINT) AS opening_headcount,
  CAST(COUNT(CASE WHEN is_hire THEN 1 END) AS BIGINT) AS hires,
  CAST(COUNT(CASE WHEN NOT is_active THEN 1 END) AS BIGINT) AS terminations,
  CAST(COUNT(CASE WHEN termination_reason = 'voluntary' THEN 1 END) AS BIGINT) AS experienced_terminations,
  CAST(COUNT(CASE WHEN termination_reason = 'new_hire' THEN 1 END) AS BIGINT) AS new_hire_terminations,
  CAST(COUNT(CASE WHEN @completed_years(hire_date, termination_date) = 0 THEN 1 END) AS BIGINT) AS first_year_terminations,
  CAST(COUNT(CASE WHEN termination_reason = 'reduction' THEN 1 END) AS BIGINT) AS reductions,
  CAST(COUNT(promotion_date) AS BIGINT) AS promotions
FROM intermediate.int_workforce
GROUP BY
  simulation_year,
  level_id
