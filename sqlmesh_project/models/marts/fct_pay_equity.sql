MODEL (
  name marts.fct_pay_equity,
  kind FULL,
  owner people_analytics,
  tags (marts, equity),
  grain (simulation_year, attribute, group_name),
  description 'One row per year, attribute and group of at least ten active people with pay; no rows where the census lacks the attribute. The reference is men, and for ethnicity, or without men, the census''s largest group.',
  column_descriptions (
    simulation_year = 'Simulated year; 0 = the census',
    attribute = 'gender or ethnicity',
    "group" = 'Group of the attribute',
    headcount = 'Active at year end',
    mean_base_pay = 'Mean year-end annual base pay',
    raw_gap = 'Mean log pay of the reference minus the group''s; > 0 = the group earns less; null for the reference',
    adjusted_gap = 'The same within level x department x tenure band: the coefficient of a regression with cell fixed effects; null where it cannot be measured',
    adjusted_gap_reason = 'Why there is no adjusted gap: reference (the group is), small_group (fewer than ten of the reference), few_comparable (fewer than ten of the group or of the reference share a cell with the other)'
  ),
  audits (
    small_groups_are_suppressed
  )
);

WITH banded AS (
  SELECT
    simulation_year,
    gender,
    ethnicity,
    base_pay,
    CAST(LN(CAST(base_pay AS DOUBLE)) AS DECIMAL(16, 12)) AS log_pay,
    level_id,
    department,
    tenure_band
  FROM intermediate.int_pay
  WHERE
    is_active AND base_pay > 0
  UNION ALL
  SELECT
    simulation_year,
    gender,
    ethnicity,
    base_pay,
    CAST(LN(CAST(base_pay AS DOUBLE)) AS DECIMAL(16, 12)) AS log_pay,
    level_id,
    department,
    tenure_band
  FROM intermediate.int_baseline_workforce
  WHERE
    base_pay > 0
), cells_of_both AS (
  SELECT
    simulation_year,
    gender,
    ethnicity,
    level_id,
    department,
    tenure_band,
    COUNT(*) AS headcount,
    SUM(base_pay) AS base_pay_sum,
    SUM(log_pay) AS log_pay_sum
  FROM banded
  GROUP BY
    simulation_year,
    gender,
    ethnicity,
    level_id,
    department,
    tenure_band
), attributed AS (
  SELECT
    simulation_year,
    'gender' AS attribute,
    gender AS group_name,
    level_id,
    department,
    tenure_band,
    headcount,
    base_pay_sum,
    log_pay_sum
  FROM cells_of_both
  WHERE
    NOT gender IS NULL
  UNION ALL
  SELECT
    simulation_year,
    'ethnicity' AS attribute,
    ethnicity AS group_name,
    level_id,
    department,
    tenure_band,
    headcount,
    base_pay_sum,
    log_pay_sum
  FROM cells_of_both
  WHERE
    NOT ethnicity IS NULL
), cells AS (
  SELECT
    simulation_year,
    attribute,
    group_name,
    level_id,
    department,
    tenure_band,
    CAST(SUM(headcount) AS BIGINT) AS headcount,
    SUM(base_pay_sum) AS base_pay_sum,
    SUM(log_pay_sum) AS log_pay_sum
  FROM attributed
  GROUP BY
    simulation_year,
    attribute,
    group_name,
    level_id,
    department,
    tenure_band
), census_groups AS (
  SELECT
    attribute,
    group_name,
    ROW_NUMBER() OVER (
      PARTITION BY attribute
      ORDER BY CASE WHEN attribute = 'gender' AND group_name = 'M' THEN 0 ELSE 1 END, SUM(headcount) DESC, group_name
    ) AS place
  FROM cells
  WHERE
    simulation_year = 0
  GROUP BY
    attribute,
    group_name
), reference_groups AS (
  SELECT
    attribute,
    group_name
  FROM census_groups
  WHERE
    place = 1
), reference_cells AS (
  SELECT
    cells.*
  FROM cells
  INNER JOIN reference_groups
    ON reference_groups.attribute = cells.attribute AND reference_groups.group_name = cells.group_name
), matched AS (
  SELECT
    cells.*,
    reference_cells.headcount AS reference_headcount,
    CASE
      WHEN reference_cells.headcount > 0
      THEN CAST(CAST(cells.headcount * reference_cells.headcount AS DOUBLE) / (
        cells.headcount + reference_cells.headcount
      ) AS DECIMAL(18, 8))
    END AS weight,
    CAST(CAST(reference_cells.log_pay_sum AS DOUBLE) / reference_cells.headcount - CAST(cells.log_pay_sum AS DOUBLE) / cells.headcount AS DECIMAL(18, 12)) AS cell_gap
  FROM cells
  LEFT JOIN reference_cells
    ON reference_cells.simulation_year = cells.simulation_year
    AND reference_cells.attribute = cells.attribute
    AND reference_cells.level_id = cells.level_id
    AND reference_cells.department = cells.department
    AND reference_cells.tenure_band = cells.tenure_band
), pooled AS (
  SELECT
    simulation_year,
    attribute,
    group_name,
    SUM(headcount) AS headcount,
    CAST(SUM(base_pay_sum) AS DOUBLE) / SUM(headcount) AS mean_base_pay,
    CAST(SUM(log_pay_sum) AS DOUBLE) / SUM(headcount) AS mean_log_pay,
    SUM(CASE WHEN reference_headcount > 0 THEN headcount ELSE 0 END) AS comparable,
    SUM(COALESCE(reference_headcount, 0)) AS reference_comparable,
    CAST(SUM(CAST(weight AS DECIMAL(22, 6)) * CAST(cell_gap AS DECIMAL(16, 10))) AS DOUBLE) / NULLIF(CAST(SUM(CAST(weight AS DECIMAL(18, 6))) AS DOUBLE), 0) AS adjusted_gap
  FROM matched
  GROUP BY
    simulation_year,
    attribute,
    group_name
), compared AS (
  SELECT
    pooled.*,
    reference_pooled.mean_log_pay AS reference_mean_log_pay,
    CASE
      WHEN pooled.group_name = reference_groups.group_name
      THEN 'reference'
      WHEN COALESCE(reference_pooled.headcount, 0) < 10
      THEN 'small_group'
    END AS raw_gap_reason
  FROM pooled
  INNER JOIN reference_groups
    ON reference_groups.attribute = pooled.attribute
  LEFT JOIN pooled AS reference_pooled
    ON reference_pooled.simulation_year = pooled.simulation_year
    AND reference_pooled.attribute = pooled.attribute
    AND reference_pooled.group_name = reference_groups.group_name
), judged AS (
  SELECT
    compared.*,
    COALESCE(raw_gap_reason, CASE WHEN comparable < 10 OR reference_comparable < 10 THEN 'few_comparable' END) AS adjusted_gap_reason
  FROM compared
)
SELECT
  CAST(simulation_year AS INT) AS simulation_year,
  CAST(attribute AS TEXT) AS attribute,
  CAST(group_name AS TEXT) AS "group",
  CAST(headcount AS BIGINT) AS headcount,
  CAST(mean_base_pay AS DOUBLE) AS mean_base_pay,
  CAST(CASE WHEN raw_gap_reason IS NULL THEN reference_mean_log_pay - mean_log_pay END AS DOUBLE) AS raw_gap,
  CAST(CASE WHEN adjusted_gap_reason IS NULL THEN adjusted_gap END AS DOUBLE) AS adjusted_gap,
  CAST(adjusted_gap_reason AS TEXT) AS adjusted_gap_reason
FROM judged
WHERE
  headcount >= 10
