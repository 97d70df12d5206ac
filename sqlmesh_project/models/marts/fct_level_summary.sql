MODEL (
  name marts.fct_level_summary,
  kind FULL,
  grain (simulation_year, level_id),
  description 'One row per year and level with anybody in it: headcount, movement and pay; year 0 is the census.',
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
    above_maximum = 'Active at or over the range maximum'
  ),
  audits (
    unique_combination_of_columns(columns := (simulation_year, level_id))
  )
);

WITH people AS (
  SELECT
    simulation_year,
    level_id,
    is_active,
    is_hire,
    base_pay,
    CAST(CAST(base_pay AS DOUBLE) / CAST(range_midpoint AS DOUBLE) AS DECIMAL(12, 6)) AS compa_ratio,
    base_pay < range_minimum AS is_below_minimum,
    base_pay >= range_maximum AS is_above_maximum
  FROM intermediate.int_pay
  UNION ALL
  SELECT
    baseline.simulation_year,
    baseline.level_id,
    TRUE AS is_active,
    FALSE AS is_hire,
    baseline.base_pay,
    CAST(CAST(baseline.base_pay AS DOUBLE) / CAST(levels.midpoint AS DOUBLE) AS DECIMAL(12, 6)) AS compa_ratio,
    baseline.base_pay < levels.minimum AS is_below_minimum,
    baseline.base_pay >= levels.maximum AS is_above_maximum
  FROM intermediate.int_baseline_workforce AS baseline
  INNER JOIN staging.stg_job_levels AS levels
    ON levels.level_id = baseline.level_id
), promotions AS (
  SELECT
    simulation_year,
    level_id,
    COUNT(*) AS promotions_in
  FROM intermediate.int_workforce
  WHERE
    NOT promotion_date IS NULL
  GROUP BY
    simulation_year,
    level_id
), summed AS (
  SELECT
    simulation_year,
    level_id,
    COUNT(CASE WHEN is_active THEN 1 END) AS headcount,
    COUNT(CASE WHEN is_hire THEN 1 END) AS hires,
    COUNT(CASE WHEN NOT is_active THEN 1 END) AS terminations,
    SUM(CASE WHEN is_active THEN base_pay END) AS base_pay_sum,
    MEDIAN(CASE WHEN is_active THEN CAST(base_pay AS DOUBLE) END) AS median_base_pay,
    SUM(CASE WHEN is_active THEN compa_ratio END) AS compa_ratio_sum,
    COUNT(CASE WHEN is_active AND is_below_minimum THEN 1 END) AS below_minimum,
    COUNT(CASE WHEN is_active AND is_above_maximum THEN 1 END) AS above_maximum
  FROM people
  GROUP BY
    simulation_year,
    level_id
), averaged AS (
  SELECT
    *,
    CAST(base_pay_sum AS DOUBLE) / NULLIF(headcount, 0) AS mean_base_pay
  FROM summed
), spread AS (
  /* squares of the ratio to the mean, as decimals: their sum is exact in any order */
  SELECT
    people.simulation_year,
    people.level_id,
    SUM(
      CAST(POWER(CAST(people.base_pay AS DOUBLE) / averaged.mean_base_pay - 1, 2) AS DECIMAL(18, 12))
    ) AS squares
  FROM people
  INNER JOIN averaged
    ON averaged.simulation_year = people.simulation_year
    AND averaged.level_id = people.level_id
  WHERE
    people.is_active
  GROUP BY
    people.simulation_year,
    people.level_id
)
SELECT
  averaged.simulation_year::INT AS simulation_year,
  averaged.level_id::INT AS level_id,
  averaged.headcount::BIGINT AS headcount,
  averaged.hires::BIGINT AS hires,
  averaged.terminations::BIGINT AS terminations,
  COALESCE(promotions.promotions_in, 0)::BIGINT AS promotions_in,
  averaged.mean_base_pay::DOUBLE AS mean_base_pay,
  averaged.median_base_pay::DOUBLE AS median_base_pay,
  SQRT(CAST(spread.squares AS DOUBLE) / averaged.headcount)::DOUBLE AS cv,
  (
    CAST(averaged.compa_ratio_sum AS DOUBLE) / NULLIF(averaged.headcount, 0)
  )::DOUBLE AS mean_compa_ratio,
  averaged.below_minimum::BIGINT AS below_minimum,
  averaged.above_maximum::BIGINT AS above_maximum
FROM averaged
LEFT JOIN spread
  ON spread.simulation_year = averaged.simulation_year AND spread.level_id = averaged.level_id
LEFT JOIN promotions
  ON promotions.simulation_year = averaged.simulation_year
  AND promotions.level_id = averaged.level_id
