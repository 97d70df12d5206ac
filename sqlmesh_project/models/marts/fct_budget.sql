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
  audits (
    unique_values(columns := (simulation_year)),
    budget_sums_to_payroll_change
  )
);

WITH years AS (
  SELECT
    simulation_year
  FROM @simulated_year_rows() AS declared
), pay AS (
  SELECT
    *,
    is_active AND NOT is_hire AS stayed
  FROM intermediate.int_pay
), yearly AS (
  SELECT
    simulation_year,
    SUM(CASE WHEN stayed THEN (
      cola_pay - cola_previous
    ) * fte END) AS cola_cost,
    SUM(CASE WHEN stayed THEN (
      merit_pay - merit_previous
    ) * fte END) AS merit_cost,
    SUM(CASE WHEN stayed THEN (
      promotion_pay - promotion_previous
    ) * fte END) AS promotion_cost,
    SUM(CASE WHEN is_active AND is_hire THEN base_pay * fte END) AS hire_cost,
    SUM(CASE WHEN NOT is_active AND NOT is_hire THEN starting_pay * fte END) AS exit_savings,
    SUM(CASE WHEN is_active THEN base_pay * fte ELSE 0 END) - SUM(CASE WHEN NOT is_hire THEN starting_pay * fte ELSE 0 END) AS payroll_change
  FROM pay
  GROUP BY
    simulation_year
)
SELECT
  years.simulation_year::INT AS simulation_year,
  COALESCE(yearly.cola_cost, 0)::DECIMAL(28, 6) AS cola_cost,
  COALESCE(yearly.merit_cost, 0)::DECIMAL(28, 6) AS merit_cost,
  COALESCE(yearly.promotion_cost, 0)::DECIMAL(28, 6) AS promotion_cost,
  COALESCE(yearly.hire_cost, 0)::DECIMAL(28, 6) AS hire_cost,
  COALESCE(yearly.exit_savings, 0)::DECIMAL(28, 6) AS exit_savings,
  COALESCE(yearly.payroll_change, 0)::DECIMAL(28, 6) AS payroll_change
FROM years
LEFT JOIN yearly
  ON yearly.simulation_year = years.simulation_year
