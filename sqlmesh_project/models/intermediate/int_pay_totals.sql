MODEL (
  name intermediate.int_pay_totals,
  kind FULL,
  grain (simulation_year, level_id),
  description 'One row per simulated year and level with anybody in it: exact sums over the pay chain, that the marts divide.',
  column_descriptions (
    simulation_year = 'Simulated year',
    level_id = 'Level at year end, or at exit',
    headcount = 'Active at year end',
    opening_headcount = 'Employed at the opening',
    stayers = 'Active at both year ends',
    fte_years = 'FTE-years worked',
    lump_sum_cost = 'Merit paid once at the range maximum, weighted by FTE',
    raise_min = 'Smallest raise over the year of the stayers',
    raise_max = 'Largest raise over the year of the stayers'
  )
);

WITH pay AS (
  SELECT
    simulation_year,
    is_active,
    is_hire,
    is_active AND NOT is_hire AS stayed,
    fte,
    starting_pay,
    base_pay,
    level_id,
    range_minimum,
    range_maximum,
    CAST(CAST(base_pay AS DOUBLE) / CAST(range_midpoint AS DOUBLE) AS DECIMAL(16, 12)) AS compa_ratio,
    CAST(POWER(CAST(base_pay AS DOUBLE) / CAST(range_midpoint AS DOUBLE), 2) AS DECIMAL(18, 12)) AS compa_ratio_square,
    base_pay * fte AS fte_pay,
    starting_pay * fte AS fte_starting_pay,
    COALESCE(cola_pay - cola_previous, 0) AS cola,
    COALESCE(merit_pay - merit_previous, 0) AS merit,
    COALESCE(promotion_pay - promotion_previous, 0) AS promotion,
    lump_sum,
    prorated_pay,
    fte_years
  FROM intermediate.int_pay
)
SELECT
  simulation_year::INT AS simulation_year,
  level_id::INT AS level_id,
  COUNT(CASE WHEN is_hire THEN 1 END)::BIGINT AS hires,
  COUNT(CASE WHEN NOT is_active THEN 1 END)::BIGINT AS terminations,
  MIN(CASE WHEN is_active THEN base_pay END)::DECIMAL(14, 2) AS lowest_pay,
  MAX(CASE WHEN is_active THEN base_pay END)::DECIMAL(14, 2) AS highest_pay,
  MEDIAN(CASE WHEN is_active THEN CAST(base_pay AS DOUBLE) END)::DOUBLE AS median_base_pay,
  SUM(CASE WHEN is_active THEN compa_ratio END)::DECIMAL(28, 12) AS compa_ratio_sum,
  SUM(CASE WHEN is_active THEN compa_ratio_square END)::DECIMAL(28, 12) AS compa_ratio_squares,
  COUNT(CASE WHEN is_active AND base_pay < range_minimum THEN 1 END)::BIGINT AS below_minimum,
  COUNT(CASE WHEN is_active AND base_pay >= range_maximum THEN 1 END)::BIGINT AS above_maximum,
  COUNT(CASE WHEN is_active THEN 1 END)::BIGINT AS headcount,
  COUNT(CASE WHEN NOT is_hire THEN 1 END)::BIGINT AS opening_headcount,
  COUNT(CASE WHEN stayed THEN 1 END)::BIGINT AS stayers,
  SUM(CASE WHEN is_active THEN base_pay END)::DECIMAL(28, 2) AS closing_sum,
  SUM(CASE WHEN NOT is_hire THEN starting_pay END)::DECIMAL(28, 2) AS opening_sum,
  SUM(CASE WHEN stayed THEN starting_pay END)::DECIMAL(28, 2) AS stayers_opening_sum,
  SUM(CASE WHEN stayed THEN base_pay END)::DECIMAL(28, 2) AS stayers_closing_sum,
  SUM(CASE WHEN stayed THEN cola END)::DECIMAL(28, 2) AS stayers_cola,
  SUM(CASE WHEN stayed THEN merit END)::DECIMAL(28, 2) AS stayers_merit,
  SUM(CASE WHEN stayed THEN promotion END)::DECIMAL(28, 2) AS stayers_promotion,
  SUM(CASE WHEN is_active THEN fte_pay ELSE 0 END)::DECIMAL(28, 6) AS payroll,
  SUM(CASE WHEN NOT is_hire THEN fte_starting_pay ELSE 0 END)::DECIMAL(28, 6) AS opening_payroll,
  SUM(CASE WHEN stayed THEN cola * fte ELSE 0 END)::DECIMAL(28, 6) AS cola_cost,
  SUM(CASE WHEN stayed THEN merit * fte ELSE 0 END)::DECIMAL(28, 6) AS merit_cost,
  SUM(CASE WHEN stayed THEN promotion * fte ELSE 0 END)::DECIMAL(28, 6) AS promotion_cost,
  SUM(CASE WHEN is_active AND is_hire THEN fte_pay ELSE 0 END)::DECIMAL(28, 6) AS hire_cost,
  SUM(CASE WHEN NOT is_active AND NOT is_hire THEN fte_starting_pay ELSE 0 END)::DECIMAL(28, 6) AS exit_savings,
  SUM(lump_sum * fte)::DECIMAL(28, 6) AS lump_sum_cost,
  SUM(prorated_pay)::DECIMAL(28, 2) AS prorated_payroll,
  SUM(fte_years)::DECIMAL(28, 8) AS fte_years,
  MIN(CASE WHEN stayed THEN CAST(base_pay AS DOUBLE) / CAST(starting_pay AS DOUBLE) - 1 END)::DOUBLE AS raise_min,
  MAX(CASE WHEN stayed THEN CAST(base_pay AS DOUBLE) / CAST(starting_pay AS DOUBLE) - 1 END)::DOUBLE AS raise_max
FROM pay
GROUP BY
  simulation_year,
  level_id
