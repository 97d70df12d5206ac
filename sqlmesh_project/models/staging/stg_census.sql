MODEL (
  name staging.stg_census,
  kind FULL,
  owner people_analytics,
  tags (staging, census),
  grain employee_id,
  description 'One row per employee of the census in use: typed, nothing derived.',
  column_descriptions (
    employee_id = 'Stable pseudonymous id',
    hire_date = 'Date of (last) hire',
    base_pay = 'Full-time annual base pay in the census currency',
    job_title = 'Job title as reported',
    department = 'Department as reported',
    level_id = 'Job level, 1 = Staff .. 5 = VP',
    birth_date = 'Date of birth; null when the census has none',
    gender = 'Gender as reported; null when the census has none',
    ethnicity = 'Ethnicity as reported; null when the census has none',
    job_family = 'Job family as reported; null when the census has none',
    location = 'Location as reported; null when the census has none',
    manager_id = 'Id of the manager, or a keyed hash; null when the census has none',
    performance_rating = 'Performance rating 1..5; 3 when the census has none',
    fte = 'Full-time equivalent in (0, 1]'
  ),
  audits (
    not_null(columns := (employee_id, hire_date, base_pay, level_id, fte)),
    unique_values(columns := (
      employee_id
    ))
  )
);

SELECT
  CAST(employee_id AS TEXT) AS employee_id,
  CAST(hire_date AS DATE) AS hire_date,
  CAST(base_pay AS DECIMAL(14, 2)) AS base_pay,
  CAST(job_title AS TEXT) AS job_title,
  CAST(department AS TEXT) AS department,
  CAST(level_id AS INT) AS level_id,
  CAST(birth_date AS DATE) AS birth_date,
  CAST(gender AS TEXT) AS gender,
  CAST(ethnicity AS TEXT) AS ethnicity,
  CAST(job_family AS TEXT) AS job_family,
  CAST(location AS TEXT) AS location,
  CAST(manager_id AS TEXT) AS manager_id,
  CAST(performance_rating AS INT) AS performance_rating,
  CAST(fte AS DECIMAL(5, 4)) AS fte
FROM @census_table('census')
