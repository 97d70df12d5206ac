MODEL (
  name staging.stg_hazard_multipliers,
  kind FULL,
  owner workforce_planning,
  tags (staging, parameters),
  grain (hazard, dimension, lower_bound),
  description 'One row per hazard, dimension and band: the likelihood of the event relative to the average.',
  column_descriptions (
    hazard = 'termination or promotion',
    dimension = 'tenure (completed years), age (completed years) or level',
    lower_bound = 'First value in the band',
    upper_bound = 'First value above the band; null = open',
    multiplier = 'Relative hazard, > 0'
  ),
  audits (
    bands_without_gap_or_overlap
  )
);

SELECT
  CAST(hazard AS TEXT) AS hazard,
  CAST(dimension AS TEXT) AS dimension,
  CAST(lower_bound AS INT) AS lower_bound,
  CAST(upper_bound AS INT) AS upper_bound,
  CAST(multiplier AS DECIMAL(9, 6)) AS multiplier
FROM @hazard_multiplier_rows() AS declared
