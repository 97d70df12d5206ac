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
  audits (
    unique_values(columns := (level_id)),
    ranges_without_gap_or_overlap
  )
);

SELECT
  level_id::INT AS level_id,
  name::TEXT AS level_name,
  minimum::DECIMAL(14, 2) AS minimum,
  midpoint::DECIMAL(14, 2) AS midpoint,
  maximum::DECIMAL(14, 2) AS maximum
FROM @census_table('levels')
