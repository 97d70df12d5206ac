MODEL (
  name staging.stg_market_reference,
  kind FULL,
  owner compensation,
  tags (staging, census),
  grain level_id,
  description 'One row per level: market reference pay at the census date (the range midpoint until a survey is matched).',
  column_descriptions (
    level_id = 'Job level',
    market_reference = 'Annual base pay that the market pays for the level at the census date'
  ),
  audits (
    unique_values(columns := (
      level_id
    ))
  )
);

SELECT
  CAST(level_id AS INT) AS level_id,
  CAST(midpoint AS DECIMAL(14, 2)) AS market_reference
FROM staging.stg_job_levels
