/* No audits: those of the marts cover every year at once, and a study's trials run this model without them. */
MODEL (
  name intermediate.int_market,
  kind VIEW,
  owner compensation,
  tags (intermediate, pay),
  grain (simulation_year, employee_id),
  description 'One row per simulated year and person employed in it whose job title has a market reference: where the pay is in the market of the year. No rows without a survey.',
  column_descriptions (
    level_id = 'Level at year end, or at exit',
    is_active = 'Active at year end',
    market_reference = 'Median of the market for the job title, moved to the year',
    market_ratio = 'Compa-ratio to the market: base_pay / market_reference',
    market_position = 'Percentile of base_pay in the market of the title, from P10 to P90; null where fewer than two percentiles are known'
  ),
  ignored_rules ["nomissingaudits"]
);

WITH moved AS (
  SELECT
    years.simulation_year,
    titles.title_id,
    CAST(ROUND(CAST(titles.market_median AS DECIMAL(22, 2)) * years.market_index, 2) AS DECIMAL(14, 2)) AS market_reference,
    titles.market_p10 * CAST(years.market_index AS DOUBLE) AS market_p10,
    titles.market_p25 * CAST(years.market_index AS DOUBLE) AS market_p25,
    titles.market_p50 * CAST(years.market_index AS DOUBLE) AS market_p50,
    titles.market_p75 * CAST(years.market_index AS DOUBLE) AS market_p75,
    titles.market_p90 * CAST(years.market_index AS DOUBLE) AS market_p90
  FROM @market_years() AS years
  CROSS JOIN staging.stg_market_titles AS titles
  WHERE
    NOT titles.market_median IS NULL
)
SELECT
  CAST(paid.simulation_year AS INT) AS simulation_year,
  CAST(paid.employee_id AS TEXT) AS employee_id,
  CAST(paid.level_id AS INT) AS level_id,
  CAST(paid.is_active AS BOOLEAN) AS is_active,
  CAST(moved.market_reference AS DECIMAL(14, 2)) AS market_reference,
  CAST(CAST(paid.base_pay AS DOUBLE) / CAST(moved.market_reference AS DOUBLE) AS DECIMAL(12, 6)) AS market_ratio,
  CAST(@market_place(paid.base_pay) AS DECIMAL(8, 4)) AS market_position
FROM @paid_where_surveyed() AS paid
INNER JOIN moved
  ON moved.simulation_year = paid.simulation_year AND moved.title_id = paid.market_title_id
