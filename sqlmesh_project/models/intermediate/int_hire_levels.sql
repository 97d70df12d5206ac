MODEL (
  name intermediate.int_hire_levels,
  kind FULL,
  owner workforce_planning,
  tags (intermediate, dynamics),
  grain level_id,
  description 'One row per level that hires enter: its interval of (0, 1) and the number of templates.',
  column_descriptions (
    level_id = 'Level of the hire',
    share = 'Share of hires that enter the level',
    share_from = 'Lower end of the level''s interval',
    share_to = 'Upper end, exclusive; the last level''s is 1',
    templates = 'Templates to draw from'
  ),
  audits (unique_values(columns := (
      level_id
  )), shares_fill_the_unit)
);

WITH configured AS (
  SELECT
    level_id,
    share
  FROM @hire_level_share_rows() AS declared
), recent AS (
  SELECT
    level_id,
    COUNT(*) AS people,
    COUNT(CASE WHEN tenure_years <= @new_hire_profile_years THEN 1 END) AS recent_people
  FROM intermediate.int_baseline_workforce
  GROUP BY
    level_id
), observed AS (
  SELECT
    level_id,
    CASE
      WHEN SUM(recent_people) OVER () > 0
      THEN recent_people / CAST(SUM(recent_people) OVER () AS DOUBLE)
      ELSE people / CAST(SUM(people) OVER () AS DOUBLE)
    END AS share
  FROM recent
), shares AS (
  SELECT
    level_id,
    share
  FROM configured
  WHERE
    share > 0
  UNION ALL
  SELECT
    level_id,
    share
  FROM observed
  WHERE
    share > 0 AND (
      SELECT
        COUNT(*)
      FROM configured
    ) = 0
), templates AS (
  SELECT
    level_id,
    COUNT(*) AS templates
  FROM intermediate.int_hire_profile
  GROUP BY
    level_id
), cumulated AS (
  SELECT
    shares.level_id,
    shares.share,
    templates.templates,
    COALESCE(SUM(shares.share) OVER (ORDER BY shares.level_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS share_from,
    LEAD(shares.level_id) OVER (ORDER BY shares.level_id) AS next_level_id,
    SUM(shares.share) OVER (ORDER BY shares.level_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS share_sum
  FROM shares
  INNER JOIN templates
    ON templates.level_id = shares.level_id
)
SELECT
  CAST(level_id AS INT) AS level_id,
  CAST(share AS DOUBLE) AS share,
  CAST(share_from AS DOUBLE) AS share_from,
  CAST(CASE WHEN next_level_id IS NULL THEN 1 ELSE share_sum END AS DOUBLE) AS share_to,
  CAST(templates AS BIGINT) AS templates
FROM cumulated
