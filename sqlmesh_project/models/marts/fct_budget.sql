MODEL (
  name marts.fct_budget,
  kind FULL,
  owner compensation,
  tags (marts, budget),
  grain simulation_year,
  description 'One row per simulated year: the increase budget, and what changed the year-end payroll; all weighted by FTE.',
  column_descriptions (
    simulation_year = 'Simulated year',
    increase_rate = 'Increase budget: for COLA and for merit, cost / pay just before it of the incumbents employed on its date, summed; null without incumbents',
    increase_cost = 'Increase budget in money: annualised COLA and merit of incumbents, lump sums included',
    increase_cost_in_year = 'The same as the year sees it: each raise from its date to year end or exit, and the lump sums',
    increase_share_of_opening_payroll = 'increase_cost / opening_payroll',
    opening_payroll = 'Base pay of the incumbents at the opening',
    cola_cost = 'Annualised COLA of incumbents',
    merit_cost = 'Annualised merit of incumbents, without lump sums',
    lump_sum_cost = 'Merit of incumbents paid once at the range maximum',
    drift_cost = 'Annualised drift of incumbents: what came without a decision, beyond COLA and awards; 0 without a calibration',
    drift_rate = 'drift_cost / opening_payroll',
    promotion_cost = 'Annualised promotion raises of incumbents',
    promotion_rate_of_payroll = 'promotion_cost / opening_payroll',
    hire_cost = 'Year-end pay of the year''s hires still active',
    exit_savings = 'Pay at exit of the incumbents who left, raises of the year included',
    total_cash = 'Year-end payroll with the target bonus of each level',
    employer_cost = 'Total cash with what the employer pays on top of it, by level',
    payroll_change = 'Year-end payroll minus the year before''s: COLA + drift + merit + promotions + hires - exits'
  ),
  audits (
    unique_values(columns := (
      simulation_year
    )),
    budget_sums_to_payroll_change,
    increase_is_the_sum_of_its_raises
  )
);

WITH years AS (
  SELECT
    simulation_year,
    CAST(CAST(CAST(simulation_year AS TEXT) || '-12-31' AS DATE) - CAST(CAST(simulation_year AS TEXT) || '-01-01' AS DATE) + 1 AS INT) AS days
  FROM @simulated_year_rows() AS declared
), totals AS (
  SELECT
    simulation_year,
    SUM(cola_cost) AS cola_cost,
    SUM(merit_cost) AS merit_cost,
    SUM(lump_sum_cost) AS lump_sum_cost,
    SUM(drift_cost) AS drift_cost,
    SUM(cola_cost_days + merit_cost_days) AS cost_days,
    NULLIF(SUM(cola_payroll), 0) AS cola_payroll,
    NULLIF(SUM(merit_payroll), 0) AS merit_payroll,
    SUM(promotion_cost) AS promotion_cost,
    SUM(hire_cost) AS hire_cost,
    SUM(exit_savings) AS exit_savings,
    SUM(opening_payroll) AS opening_payroll,
    SUM(payroll * CAST(cash.cash_factor AS DECIMAL(9, 6))) AS total_cash,
    SUM(payroll * CAST(cash.cost_factor AS DECIMAL(9, 6))) AS employer_cost,
    SUM(payroll) - SUM(opening_payroll) AS payroll_change
  FROM intermediate.int_pay_totals
  INNER JOIN @cash_factor_rows() AS cash
    ON cash.cash_level = level_id
  GROUP BY
    simulation_year
), rates AS (
  SELECT
    *,
    cola_cost + merit_cost + lump_sum_cost AS increase_cost,
    CAST(cola_cost AS DOUBLE) / CAST(cola_payroll AS DOUBLE) AS cola_share,
    CAST(merit_cost + lump_sum_cost AS DOUBLE) / CAST(merit_payroll AS DOUBLE) AS merit_share
  FROM totals
)
SELECT
  CAST(years.simulation_year AS INT) AS simulation_year,
  CAST(CASE
    WHEN NOT COALESCE(rates.cola_payroll, rates.merit_payroll) IS NULL
    THEN COALESCE(rates.cola_share, 0) + COALESCE(rates.merit_share, 0)
  END AS DOUBLE) AS increase_rate,
  CAST(COALESCE(rates.increase_cost, 0) AS DECIMAL(28, 6)) AS increase_cost,
  CAST(ROUND(
    CAST(COALESCE(rates.cost_days, 0) AS DOUBLE) / years.days + CAST(COALESCE(rates.lump_sum_cost, 0) AS DOUBLE),
    6
  ) AS DECIMAL(28, 6)) AS increase_cost_in_year,
  CAST((
    CAST(rates.increase_cost AS DOUBLE) / NULLIF(CAST(rates.opening_payroll AS DOUBLE), 0)
  ) AS DOUBLE) AS increase_share_of_opening_payroll,
  CAST(COALESCE(rates.opening_payroll, 0) AS DECIMAL(28, 6)) AS opening_payroll,
  CAST(COALESCE(rates.cola_cost, 0) AS DECIMAL(28, 6)) AS cola_cost,
  CAST(COALESCE(rates.merit_cost, 0) AS DECIMAL(28, 6)) AS merit_cost,
  CAST(COALESCE(rates.lump_sum_cost, 0) AS DECIMAL(28, 6)) AS lump_sum_cost,
  CAST(COALESCE(rates.drift_cost, 0) AS DECIMAL(28, 6)) AS drift_cost,
  CAST((
    CAST(rates.drift_cost AS DOUBLE) / NULLIF(CAST(rates.opening_payroll AS DOUBLE), 0)
  ) AS DOUBLE) AS drift_rate,
  CAST(COALESCE(rates.promotion_cost, 0) AS DECIMAL(28, 6)) AS promotion_cost,
  CAST((
    CAST(rates.promotion_cost AS DOUBLE) / NULLIF(CAST(rates.opening_payroll AS DOUBLE), 0)
  ) AS DOUBLE) AS promotion_rate_of_payroll,
  CAST(COALESCE(rates.hire_cost, 0) AS DECIMAL(28, 6)) AS hire_cost,
  CAST(COALESCE(rates.exit_savings, 0) AS DECIMAL(28, 6)) AS exit_savings,
  CAST(COALESCE(rates.total_cash, 0) AS DECIMAL(28, 6)) AS total_cash,
  CAST(COALESCE(rates.employer_cost, 0) AS DECIMAL(28, 6)) AS employer_cost,
  CAST(COALESCE(rates.payroll_change, 0) AS DECIMAL(28, 6)) AS payroll_change
FROM years
LEFT JOIN rates
  ON rates.simulation_year = years.simulation_year
