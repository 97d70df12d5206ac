MODEL (
  name intermediate.int_pay,
  kind VIEW,
  grain (simulation_year, employee_id),
  description 'One row per simulated year and person employed in it: the pay chain, all years.'
);

SELECT
  *
FROM (
  @union_years(int_pay)
) AS every_year
