/* No audits: those of the marts cover every year at once, and a study's trials run this model without them. */ /* SELECT *: every year's model has the same, described columns. */
MODEL (
  name intermediate.int_pay,
  kind VIEW,
  owner compensation,
  tags (intermediate, pay),
  grain (simulation_year, employee_id),
  description 'One row per simulated year and person employed in it: the pay chain, all years.',
  ignored_rules ["nomissingaudits", "noselectstar"]
);

SELECT
  *
FROM (
  @union_years(int_pay)
) AS every_year
