MODEL (
  name marts.fct_level_summary,
  kind FULL,
  owner compensation,
  tags (marts, pay),
  grain (simulation_year, level_id),
  description 'One row per year and level with employees in it: headcount, movement and pay; year 0 is the census.',
  column_descriptions (
    simulation_year = 'Simulated year; 0 = the census',
    level_id = 'Level at year end, or at exit',
    headcount = 'Active at year end',
    hires = 'Hired into the level in the year',
    terminations = 'Left from the level in the year',
    promotions_in = 'Promoted into the level in the year',
    mean_base_pay = 'Mean of the active',
    median_base_pay = 'Median of the active',
    cv = 'Coefficient of variation of base pay (population standard deviation / mean)',
    mean_compa_ratio = 'Mean of the active',
    below_minimum = 'Active under the range minimum',
    above_maximum = 'Active at or over the range maximum',
    market_people = 'Active whose job title has a market reference',
    mean_market_ratio = 'Their mean compa-ratio to the market: base pay / median of the market for the title; null without any',
    mean_market_position = 'Their mean percentile in the market, each from P10 to P90; null without any'
  ),
  audits (
    unique_combination_of_columns(columns := (simulation_year, level_id))
  )
);

WITH totals AS (
  SELECT
    0 AS simulation_year,
    level_id,
    headcount,
    0 AS hires,
    0 AS terminations,
    closing_sum,
    lowest_pay,
    highest_pay,
    median_base_pay,
    compa_ratio_sum,
    compa_ratio_squares,
    below_minimum,
    above_maximum,
    market_people,
    market_ratio_sum,
    market_places,
    market_position_sum
  FROM intermediate.int_census_totals
  UNION ALL
  SELECT
    simulation_year,
    level_id,
    headcount,
    hires,
    terminations,
    closing_sum,
    lowest_pay,
    highest_pay,
    median_base_pay,
    compa_ratio_sum,
    compa_ratio_squares,
    below_minimum,
    above_maximum,
    market_people,
    market_ratio_sum,
    market_places,
    market_position_sum
  FROM intermediate.int_pay_totals
), promotions AS (
  SELECT
    simulation_year,
    level_id,
    promotions AS promotions_in
  FROM intermediate.int_workforce_totals
), averaged AS (
  SELECT
    *,
    CAST(closing_sum AS DOUBLE) / NULLIF(headcount, 0) AS mean_base_pay,
    CAST(compa_ratio_sum AS DOUBLE) / NULLIF(headcount, 0) AS mean_compa_ratio,
    CAST(compa_ratio_squares AS DOUBLE) / NULLIF(headcount, 0) AS mean_compa_ratio_square
  FROM totals
)
SELECT
  CAST(averaged.simulation_year AS INT) AS simulation_year,
  CAST(averaged.level_id AS INT) AS level_id,
  CAST(averaged.headcount AS BIGINT) AS headcount,
  CAST(averaged.hires AS BIGINT) AS hires,
  CAST(averaged.terminations AS BIGINT) AS terminations,
  CAST(COALESCE(promotions.promotions_in, 0) AS BIGINT) AS promotions_in,
  CAST(averaged.mean_base_pay AS DOUBLE) AS mean_base_pay,
  CAST(averaged.median_base_pay AS DOUBLE) AS median_base_pay,
  CAST(CASE
    WHEN averaged.lowest_pay = averaged.highest_pay
    THEN 0
    ELSE SQRT(GREATEST(averaged.mean_compa_ratio_square - POWER(averaged.mean_compa_ratio, 2), 0)) / averaged.mean_compa_ratio
  END /* the ratio to one midpoint has the same coefficient of variation as the pay */ AS DOUBLE) AS cv,
  CAST(averaged.mean_compa_ratio AS DOUBLE) AS mean_compa_ratio,
  CAST(averaged.below_minimum AS BIGINT) AS below_minimum,
  CAST(averaged.above_maximum AS BIGINT) AS above_maximum,
  CAST(averaged.market_people AS BIGINT) AS market_people,
  CAST((
    CAST(averaged.market_ratio_sum AS DOUBLE) / NULLIF(averaged.market_people, 0)
  ) AS DOUBLE) AS mean_market_ratio,
  CAST((
    CAST(averaged.market_position_sum AS DOUBLE) / NULLIF(averaged.market_places, 0)
  ) AS DOUBLE) AS mean_market_position
FROM averaged
LEFT JOIN promotions
  ON promotions.simulation_year = averaged.simulation_year AND promotions.level_id = averaged.level_id
