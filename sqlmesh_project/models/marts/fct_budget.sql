MODEL (
  name marts.fct_budget,
  kind FULL,
  grain simulation_year,
  description 'One row per simulated year: what changed the year-end payroll, in currency, all weighted by FTE.',
  column_descriptions (
    simulation_year = 'Simulated year',
    cola_cost = 'COLA of those active at both year ends',
    merit_cost = 'Merit of those active at both year ends',
    promotion_cost = 'Promotion raises of those active at both year ends',
    hire_cost = 'Year-end pay of the year''s hires still active',
    exit_savings = 'Opening pay of those who left',
    payroll_change = 'Year-end payroll minus the year before''s'
  ),
  audits (unique_values(columns := (
      simulation_year
  )), budget_sums_to_payroll_change)
);

WITH years AS (
  SELECT
    simulation_year
  FROM @simulated_year_rows() AS declared
), totals AS (
  SELECT
    simulation_year,
    SUM(cola_cost) AS cola_cost,
    SUM(merit_cost) AS merit_cost,
    SUM(promotion_cost) AS promotion_cost,
    SUM(hire_cost) AS hire_cost,
    SUM(exit_savings) AS exit_savings,
    SUM(payroll) - SUM(opening_payroll) AS payroll_change
  FROM intermediate.int_pay_totals
  GROUP BY
    simulation_year
)
SELECT
  CAST(years.simulation_year AS INT) AS simulation_year,
  CAST(COALESCE(totals.cola_cost, 0) AS DECIMAL(28, 6)) AS cola_cost,
  CAST(COALESCE(totals.merit_cost, 0) AS DECIMAL(28, 6)) AS merit_cost,
  CAST(COALESCE(totals.promotion_cost, 0) AS DECIMAL(28, 6)) AS promotion_cost,
  CAST(COALESCE(totals.hire_cost, 0) AS DECIMAL(28, 6)) AS hire_cost,
  CAST(COALESCE(totals.exit_savings, 0) AS DECIMAL(28, 6)) AS exit_savings,
  CAST(COALESCE(totals.payroll_change, 0) AS DECIMAL(28, 6)) AS payroll_change
FROM years
LEFT JOIN totals
  ON totals.simulation_year = years.simulation_year
