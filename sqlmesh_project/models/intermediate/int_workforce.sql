MODEL (
  name intermediate.int_workforce,
  kind VIEW,
  grain (simulation_year, employee_id),
  description 'One row per simulated year and person employed in it: who left, joined and was promoted, all years.'
);

SELECT
  *
FROM (
  @union_years(int_workforce)
) AS every_year
