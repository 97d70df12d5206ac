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
    key = 'Completed years (tenure 0..60, age 0..110, -1 = age unknown) or the level',
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
    multipliers.multiplier
  FROM multipliers
  INNER JOIN keys
    ON keys.key >= multipliers.lower_bound AND keys.key < COALESCE(multipliers.upper_bound, 111)
  UNION ALL
  SELECT
    'age' AS dimension,
    -1 AS key,
    1 AS multiplier
)
SELECT
  CAST(dimension AS TEXT) AS dimension,
  CAST(key AS INT) AS key,
  CAST(multiplier AS DECIMAL(9, 6)) AS multiplier
FROM expanded
