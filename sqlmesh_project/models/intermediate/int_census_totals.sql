MODEL (
  name intermediate.int_census_totals,
  kind FULL,
  owner compensation,
  tags (intermediate, pay),
  grain level_id,
  description 'One row per level at the census date: the sums of `int_pay_totals` from which a level''s means and rates are computed.',
  column_descriptions (
    level_id = 'Job level at the census date',
    headcount = 'People in the census',
    closing_sum = 'Their base pay',
    lowest_pay = 'Lowest base pay',
    highest_pay = 'Highest base pay',
    compa_ratio_sum = 'Sum of their compa-ratios',
    compa_ratio_squares = 'Sum of the squares',
    market_people = 'Those whose job title has a market reference',
    market_ratio_sum = 'Sum of their compa-ratios to the market',
    market_places = 'Those of them whose percentile is known',
    market_position_sum = 'Sum of their percentiles'
  ),
  audits (
    unique_values(columns := (
      level_id
    ))
  )
);

WITH people AS (
  SELECT
    baseline.level_id,
    baseline.base_pay,
    baseline.base_pay < levels.minimum AS is_below_minimum,
    baseline.base_pay >= levels.maximum AS is_above_maximum,
    CAST(CAST(baseline.base_pay AS DOUBLE) / CAST(levels.midpoint AS DOUBLE) AS DECIMAL(16, 12)) AS compa_ratio,
    CAST(POWER(CAST(baseline.base_pay AS DOUBLE) / CAST(levels.midpoint AS DOUBLE), 2) AS DECIMAL(18, 12)) AS compa_ratio_square,
    CAST(CAST(baseline.base_pay AS DOUBLE) / CAST(titles.market_median AS DOUBLE) AS DECIMAL(12, 6)) AS market_ratio,
    @market_place(baseline.base_pay) AS market_position
  FROM intermediate.int_baseline_workforce AS baseline
  INNER JOIN staging.stg_job_levels AS levels
    ON levels.level_id = baseline.level_id
  LEFT JOIN staging.stg_market_titles AS titles
    ON titles.job_title = baseline.job_title
)
SELECT
  CAST(level_id AS INT) AS level_id,
  CAST(COUNT(*) AS BIGINT) AS headcount,
  CAST(SUM(base_pay) AS DECIMAL(28, 2)) AS closing_sum,
  CAST(MIN(base_pay) AS DECIMAL(14, 2)) AS lowest_pay,
  CAST(MAX(base_pay) AS DECIMAL(14, 2)) AS highest_pay,
  CAST(MEDIAN(CAST(base_pay AS DOUBLE)) AS DOUBLE) AS median_base_pay,
  CAST(SUM(compa_ratio) AS DECIMAL(28, 12)) AS compa_ratio_sum,
  CAST(SUM(compa_ratio_square) AS DECIMAL(28, 12)) AS compa_ratio_squares,
  CAST(COUNT(CASE WHEN is_below_minimum THEN 1 END) AS BIGINT) AS below_minimum,
  CAST(COUNT(CASE WHEN is_above_maximum THEN 1 END) AS BIGINT) AS above_maximum,
  CAST(COUNT(market_ratio) AS BIGINT) AS market_people,
  CAST(SUM(market_ratio) AS DECIMAL(28, 6)) AS market_ratio_sum,
  CAST(COUNT(market_position) AS BIGINT) AS market_places,
  CAST(SUM(market_position) AS DECIMAL(28, 4)) AS market_position_sum
FROM people
GROUP BY
  level_id
