MODEL (
  name staging.stg_job_levels,
  kind FULL,
  grain level_id,
  description 'One row per job level: its pay range at the census date, half-open and contiguous.',
  column_descriptions (
    level_id = 'Job level, 1 = Staff .. 5 = VP',
    level_name = 'Name of the level',
    minimum = 'Range minimum, annual base pay',
    midpoint = 'Range midpoint',
    maximum = 'Range maximum; the next level''s minimum'
  ),
  audits (unique_values(columns := (
      level_id
  )), ranges_without_gap_or_overlap)
);

SELECT
  CAST(level_id AS INT) AS level_id,
  CAST(name AS TEXT) AS level_name,
  CAST(minimum AS DECIMAL(14, 2)) AS minimum,
  CAST(midpoint AS DECIMAL(14, 2)) AS midpoint,
  CAST(maximum AS DECIMAL(14, 2)) AS maximum
FROM @census_table('levels')
