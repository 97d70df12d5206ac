MODEL (
  name staging.stg_drift_cells,
  kind FULL,
  owner compensation,
  tags (staging, pay),
  grain (group_name, tenure_band, level_id),
  description 'One row per group, band of tenure and level: which donors people like these draw from. Fewer than thirty donors are too few: then those of the group and tenure, of the group, or all.',
  column_descriptions (
    attribute = 'Attribute that the groups are of: department, job_family, location or manager_id',
    group_name = 'Group; empty for everyone of no group of their own',
    tenure_band = 'Band of tenure at the opening of the year',
    level_id = 'Level at the opening of the year',
    first_place = 'Place of the first donor in stg_drift_donors',
    donors = 'Number of donors, which are neighbours there'
  ),
  audits (
    unique_combination_of_columns(columns := (group_name, tenure_band, level_id))
  )
);

WITH sets AS (
  SELECT
    award_group,
    tenure_band,
    level_id,
    GROUPING(award_group) + GROUPING(tenure_band) + GROUPING(level_id) AS coarseness,
    MIN(place) AS first_place,
    COUNT(*) AS donors
  FROM staging.stg_drift_donors
  GROUP BY
    GROUPING SETS (
      (award_group, tenure_band, level_id),
      (award_group, tenure_band),
      (
        award_group
      ),
      ()
    )
), award_groups AS (
  SELECT DISTINCT
    award_group
  FROM staging.stg_drift_donors
  UNION
  SELECT
    '' AS award_group
), cells AS (
  SELECT
    award_groups.award_group,
    bands.tenure_band,
    levels.level_id
  FROM award_groups
  CROSS JOIN @tenure_band_rows() AS bands
  CROSS JOIN staging.stg_job_levels AS levels
), chosen AS (
  SELECT
    cells.award_group,
    cells.tenure_band,
    cells.level_id,
    CASE
      WHEN fine.donors >= 30
      THEN fine.first_place
      WHEN tenures.donors >= 30
      THEN tenures.first_place
      WHEN of_group.donors >= 30
      THEN of_group.first_place
      ELSE every.first_place
    END AS first_place,
    CASE
      WHEN fine.donors >= 30
      THEN fine.donors
      WHEN tenures.donors >= 30
      THEN tenures.donors
      WHEN of_group.donors >= 30
      THEN of_group.donors
      ELSE every.donors
    END AS donors
  FROM cells
  INNER JOIN sets AS every
    ON every.coarseness = 3 AND every.donors > 0
  LEFT JOIN sets AS of_group
    ON of_group.coarseness = 2 AND of_group.award_group = cells.award_group
  LEFT JOIN sets AS tenures
    ON tenures.coarseness = 1
    AND tenures.award_group = cells.award_group
    AND tenures.tenure_band = cells.tenure_band
  LEFT JOIN sets AS fine
    ON fine.coarseness = 0
    AND fine.award_group = cells.award_group
    AND fine.tenure_band = cells.tenure_band
    AND fine.level_id = cells.level_id
)
SELECT
  CAST(CASE WHEN award_group = '' THEN NULL ELSE SPLIT_PART(award_group, ': ', 1) END AS TEXT) AS attribute,
  CAST(CASE
    WHEN award_group = ''
    THEN ''
    ELSE SUBSTRING(award_group, LENGTH(SPLIT_PART(award_group, ': ', 1)) + 3)
  END AS TEXT) AS group_name,
  CAST(tenure_band AS TEXT) AS tenure_band,
  CAST(level_id AS INT) AS level_id,
  CAST(first_place AS BIGINT) AS first_place,
  CAST(donors AS BIGINT) AS donors
FROM chosen
