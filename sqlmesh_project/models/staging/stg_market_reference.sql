MODEL (
  name staging.stg_market_reference,
  kind FULL,
  owner compensation,
  tags (staging, census),
  grain level_id,
  description 'One row per level: the midpoint of its range, which is the market reference until a survey is matched with the job titles.',
  column_descriptions (
    level_id = 'Job level',
    market_reference = 'The midpoint at the census date; null once a survey is matched'
  ),
  audits (
    unique_values(columns := (
      level_id
    ))
  )
);

WITH matched AS (
  SELECT
    COUNT(*) AS titles
  FROM staging.stg_market_titles
)
SELECT
  CAST(levels.level_id AS INT) AS level_id,
  CAST(CASE WHEN matched.titles = 0 THEN levels.midpoint END AS DECIMAL(14, 2)) AS market_reference
FROM staging.stg_job_levels AS levels
CROSS JOIN matched
