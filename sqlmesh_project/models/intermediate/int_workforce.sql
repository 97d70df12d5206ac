/* No audits: those of the marts cover every year at once, and a study's trials run this model without them. */ /* SELECT *: every year's model has the same, described columns. */
MODEL (
  name intermediate.int_workforce,
  kind VIEW,
  owner workforce_planning,
  tags (intermediate, dynamics),
  grain (simulation_year, employee_id),
  description 'One row per simulated year and person employed in it: who left, joined and was promoted, all years.',
  ignored_rules ["nomissingaudits", "noselectstar"]
);

SELECT
  *
FROM (
  @union_years(int_workforce)
) AS every_year
