MODEL (
  name staging.stg_drift_donors,
  kind FULL,
  owner compensation,
  tags (staging, pay),
  grain place,
  description 'One row per donor of the calibrated rates, in an order in which people of one group, one tenure and one level are neighbours; empty without a calibration.',
  column_descriptions (
    place = '1..n in the order of group, tenure, level and drift',
    award_group = 'Attribute and group, as in department: Police; empty for everyone of no group of their own',
    tenure_band = 'Band of tenure at the opening of the year',
    level_id = 'Level at the opening of the year',
    drift = 'What a person''s pay did in a year beyond the award: (1 + raise) / (1 + award) - 1'
  ),
  audits (
    unique_values(columns := (
      place
    ))
  )
);

SELECT
  CAST((
    ROW_NUMBER() OVER (ORDER BY award_group, tenure_band, level_id, drift)
  ) AS BIGINT) AS place,
  CAST(award_group AS TEXT) AS award_group,
  CAST(tenure_band AS TEXT) AS tenure_band,
  CAST(level_id AS INT) AS level_id,
  CAST(drift AS DECIMAL(9, 6)) AS drift
FROM @rates_table(drift_donors)
