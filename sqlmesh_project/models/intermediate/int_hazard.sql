MODEL (
  name intermediate.int_hazard_@hazard,
  kind FULL,
  owner workforce_planning,
  tags (intermediate, dynamics),
  blueprints (
    (hazard := termination, hazard_name := 'termination'),
    (hazard := promotion, hazard_name := 'promotion')
  ),
  grain (dimension, key),
  description 'One row per dimension and whole year (or level): the relative likelihood of the event, looked up by equality.',
  column_descriptions (
    dimension = 'tenure, age or level',
    key = 'Completed years (tenure 0..60, age 0..110, -1 = age unknown) or the level; tenure of a department with a curve of its own: 1000 x its number + years',
    band = 'First value of the band, which all its keys share; null when age is unknown',
    multiplier = 'Relative hazard; 1 when age is unknown'
  ),
  audits (
    unique_combination_of_columns(columns := (dimension, key))
  )
);

WITH multipliers AS (
  SELECT
    dimension,
    lower_bound,
    upper_bound,
    multiplier
  FROM staging.stg_hazard_multipliers
  WHERE
    hazard = @hazard_name
), keys AS (
  SELECT
    UNNEST(GENERATE_SERIES(0, 110)) AS key
), expanded AS (
  SELECT
    multipliers.dimension,
    keys.key,
    multipliers.lower_bound AS band,
    multipliers.multiplier
  FROM multipliers
  INNER JOIN keys
    ON keys.key >= multipliers.lower_bound AND keys.key < COALESCE(multipliers.upper_bound, 111)
  UNION ALL
  SELECT
    'age' AS dimension,
    -1 AS key,
    NULL AS band,
    1 AS multiplier
), curves AS (
  /* only exits have curves of departments */
  SELECT DISTINCT
    curve
  FROM staging.stg_exit_rates
  WHERE
    curve > 0 AND @hazard_name = 'termination'
), own_curves AS (
  SELECT
    curves.curve * 1000 + expanded.key AS key,
    expanded.band,
    expanded.multiplier * COALESCE(rates.multiplier, 1) AS multiplier
  FROM expanded
  CROSS JOIN curves
  LEFT JOIN staging.stg_exit_rates AS rates
    ON rates.curve = curves.curve
    AND expanded.key >= rates.lower_bound
    AND expanded.key < COALESCE(rates.upper_bound, 111)
  WHERE
    expanded.dimension = 'tenure'
), every_key AS (
  SELECT
    dimension,
    key,
    band,
    multiplier
  FROM expanded
  UNION ALL
  SELECT
    'tenure' AS dimension,
    key,
    band,
    multiplier
  FROM own_curves
)
SELECT
  CAST(dimension AS TEXT) AS dimension,
  CAST(key AS INT) AS key,
  CAST(band AS INT) AS band,
  CAST(multiplier AS DECIMAL(9, 6)) AS multiplier
FROM every_key
