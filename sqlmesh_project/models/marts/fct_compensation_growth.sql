MODEL (
  name marts.fct_compensation_growth,
  kind FULL,
  owner compensation,
  tags (marts, pay),
  grain simulation_year,
  description 'One row per simulated year: growth of pay and the bridge that explains it; year 0 is the census.',
  column_descriptions (
    simulation_year = 'Simulated year; 0 = the census',
    headcount = 'Active at year end',
    mean_base_pay = 'Mean year-end annual base pay of all active; null at headcount 0',
    payroll = 'Sum of base pay x FTE of all active at year end',
    prorated_payroll = 'Pay earned in the year by everyone employed in it',
    growth_all = 'mean_base_pay / that of the year before - 1',
    growth_continuing = 'The same of those active at both year ends, matched',
    growth_prorated = 'Prorated pay per FTE-year worked / that of the year before - 1',
    bridge_exits = 'Part of growth_all: mean of those who stay against mean of all at the opening',
    bridge_cola = 'Part of growth_all: COLA of those who stay',
    bridge_drift = 'Part of growth_all: drift of those who stay, what came without a decision',
    bridge_merit = 'Part of growth_all: merit of those who stay',
    bridge_promotion = 'Part of growth_all: promotion raises of those who stay',
    bridge_hires = 'Part of growth_all: mean of all at the close against mean of those who stay'
  ),
  audits (unique_values(columns := (
      simulation_year
  )), bridge_sums_to_growth)
);

WITH baseline AS (
  SELECT
    COUNT(*) AS headcount,
    SUM(base_pay) AS base_pay_sum,
    SUM(base_pay * fte) AS payroll,
    SUM(prorated_pay) AS prorated_payroll,
    SUM(fte) AS fte_years
  FROM intermediate.int_baseline_workforce
), years AS (
  SELECT
    simulation_year
  FROM @simulated_year_rows() AS declared
), totals AS (
  SELECT
    simulation_year,
    SUM(headcount) AS headcount,
    SUM(payroll) AS payroll,
    SUM(prorated_payroll) AS prorated_payroll,
    SUM(fte_years) AS fte_years,
    SUM(closing_sum) AS closing_sum,
    SUM(opening_headcount) AS opening_headcount,
    SUM(opening_sum) AS opening_sum,
    SUM(stayers) AS stayers,
    SUM(stayers_opening_sum) AS stayers_opening_sum,
    SUM(stayers_closing_sum) AS stayers_closing_sum,
    SUM(stayers_cola) AS stayers_cola,
    SUM(stayers_drift) AS stayers_drift,
    SUM(stayers_merit) AS stayers_merit,
    SUM(stayers_promotion) AS stayers_promotion
  FROM intermediate.int_pay_totals
  GROUP BY
    simulation_year
), means AS (
  SELECT
    years.simulation_year,
    COALESCE(totals.headcount, 0) AS headcount,
    COALESCE(totals.payroll, 0) AS payroll,
    COALESCE(totals.prorated_payroll, 0) AS prorated_payroll,
    CAST(totals.closing_sum AS DOUBLE) / NULLIF(totals.headcount, 0) AS mean_base_pay,
    CAST(totals.prorated_payroll AS DOUBLE) / NULLIF(CAST(totals.fte_years AS DOUBLE), 0) AS prorated_mean,
    CAST(totals.opening_sum AS DOUBLE) / NULLIF(totals.opening_headcount, 0) AS opening_mean,
    CAST(totals.stayers_opening_sum AS DOUBLE) / NULLIF(totals.stayers, 0) AS stayers_opening_mean,
    CAST(totals.stayers_closing_sum AS DOUBLE) / NULLIF(totals.stayers, 0) AS stayers_closing_mean,
    CAST(totals.stayers_cola AS DOUBLE) / NULLIF(totals.stayers, 0) AS stayers_cola_mean,
    CAST(totals.stayers_drift AS DOUBLE) / NULLIF(totals.stayers, 0) AS stayers_drift_mean,
    CAST(totals.stayers_merit AS DOUBLE) / NULLIF(totals.stayers, 0) AS stayers_merit_mean,
    CAST(totals.stayers_promotion AS DOUBLE) / NULLIF(totals.stayers, 0) AS stayers_promotion_mean
  FROM years
  LEFT JOIN totals
    ON totals.simulation_year = years.simulation_year
), every_year AS (
  SELECT
    0 AS simulation_year,
    headcount,
    payroll,
    prorated_payroll,
    CAST(base_pay_sum AS DOUBLE) / headcount AS mean_base_pay,
    CAST(prorated_payroll AS DOUBLE) / CAST(fte_years AS DOUBLE) AS prorated_mean,
    CAST(NULL AS DOUBLE) AS opening_mean,
    CAST(NULL AS DOUBLE) AS stayers_opening_mean,
    CAST(NULL AS DOUBLE) AS stayers_closing_mean,
    CAST(NULL AS DOUBLE) AS stayers_cola_mean,
    CAST(NULL AS DOUBLE) AS stayers_drift_mean,
    CAST(NULL AS DOUBLE) AS stayers_merit_mean,
    CAST(NULL AS DOUBLE) AS stayers_promotion_mean
  FROM baseline
  UNION ALL
  SELECT
    simulation_year,
    headcount,
    payroll,
    prorated_payroll,
    mean_base_pay,
    prorated_mean,
    opening_mean,
    stayers_opening_mean,
    stayers_closing_mean,
    stayers_cola_mean,
    stayers_drift_mean,
    stayers_merit_mean,
    stayers_promotion_mean
  FROM means
), compared AS (
  SELECT
    *,
    LAG(prorated_mean) OVER (ORDER BY simulation_year) AS previous_prorated_mean,
    NOT opening_mean IS NULL AND NOT mean_base_pay IS NULL AS has_growth
  FROM every_year
)
SELECT
  CAST(simulation_year AS INT) AS simulation_year,
  CAST(headcount AS BIGINT) AS headcount,
  CAST(mean_base_pay AS DOUBLE) AS mean_base_pay,
  CAST(payroll AS DECIMAL(28, 6)) AS payroll,
  CAST(prorated_payroll AS DECIMAL(28, 2)) AS prorated_payroll,
  CAST((
    mean_base_pay / opening_mean - 1
  ) AS DOUBLE) AS growth_all,
  CAST((
    stayers_closing_mean / stayers_opening_mean - 1
  ) AS DOUBLE) AS growth_continuing,
  CAST(CASE WHEN simulation_year > 0 THEN prorated_mean / previous_prorated_mean - 1 END AS DOUBLE) AS growth_prorated,
  CAST(CASE WHEN has_growth THEN COALESCE((
    stayers_opening_mean - opening_mean
  ) / opening_mean, 0) END /* with no employee at both ends, all of the growth is hires */ AS DOUBLE) AS bridge_exits,
  CAST(CASE WHEN has_growth THEN COALESCE(stayers_cola_mean / opening_mean, 0) END AS DOUBLE) AS bridge_cola,
  CAST(CASE WHEN has_growth THEN COALESCE(stayers_drift_mean / opening_mean, 0) END AS DOUBLE) AS bridge_drift,
  CAST(CASE WHEN has_growth THEN COALESCE(stayers_merit_mean / opening_mean, 0) END AS DOUBLE) AS bridge_merit,
  CAST(CASE WHEN has_growth THEN COALESCE(stayers_promotion_mean / opening_mean, 0) END AS DOUBLE) AS bridge_promotion,
  CAST(CASE
    WHEN has_growth
    THEN (
      mean_base_pay - COALESCE(stayers_closing_mean, opening_mean)
    ) / opening_mean
  END AS DOUBLE) AS bridge_hires
FROM compared
