MODEL (
  name staging.stg_job_levels,
  kind FULL,
  owner compensation,
  tags (staging, census),
  grain level_id,
  description 'One row per job level: its pay range at the census date; ranges of neighbouring levels may overlap.',
  column_descriptions (
    level_id = 'Job level, 1 the lowest',
    level_name = 'Name of the level',
    minimum = 'Range minimum, annual base pay',
    midpoint = 'Range midpoint',
    maximum = 'Range maximum'
  ),
  audits (unique_values(columns := (
      level_id
  )), ranges_rise)
);

SELECT
  CAST(level_id AS INT) AS level_id,
  CAST(name AS TEXT) AS level_name,
  CAST(minimum AS DECIMAL(14, 2)) AS minimum,
  CAST(midpoint AS DECIMAL(14, 2)) AS midpoint,
  CAST(maximum AS DECIMAL(14, 2)) AS maximum
FROM @census_table('levels')
