MODEL (
  name staging.stg_exit_rates,
  kind FULL,
  owner workforce_planning,
  tags (staging, parameters),
  grain (dimension, key, lower_bound),
  description 'One row per department, job title, and band of a department''s own tenure curve that a calibration found; none without one.',
  column_descriptions (
    dimension = 'department, job_title or department_tenure',
    key = 'The department or the job title, as the census writes it',
    lower_bound = 'First completed year of service in the band; null but for department_tenure',
    upper_bound = 'First year above the band; null = open',
    curve = 'Number of the department''s own tenure curve, from 1; 0 but for department_tenure',
    multiplier = 'Likelihood of an exit relative to everybody''s, or to everybody''s in the band of tenure'
  ),
  audits (
    unique_combination_of_columns(columns := (dimension, key, lower_bound)),
    accepted_range("column" := multiplier, min_v := 0, inclusive := FALSE)
  )
);

WITH rates AS (
  SELECT
    *
  FROM @rates_table(exit_multipliers)
  WHERE
    dimension IN ('department', 'job_title', 'department_tenure')
)
SELECT
  CAST(dimension AS TEXT) AS dimension,
  CAST(key AS TEXT) AS key,
  CAST(lower_bound AS INT) AS lower_bound,
  CAST(upper_bound AS INT) AS upper_bound,
  CAST(CASE
    WHEN dimension = 'department_tenure'
    THEN DENSE_RANK() OVER (PARTITION BY dimension ORDER BY key)
    ELSE 0
  END AS INT) AS curve,
  CAST(multiplier AS DECIMAL(9, 6)) AS multiplier
FROM rates
