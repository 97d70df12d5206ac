MODEL (
  name intermediate.int_baseline_workforce,
  kind FULL,
  owner workforce_planning,
  tags (intermediate, dynamics),
  grain employee_id,
  depends_on (staging.stg_census, staging.stg_job_levels, staging.stg_exit_rates),
  description 'One row per employee at the census date: the opening workforce of the first simulated year.',
  column_descriptions (
    simulation_year = '0: the census',
    employee_id = 'Stable pseudonymous id',
    level_id = 'Job level at the census date',
    base_pay = 'Annual base pay at the census date',
    prorated_pay = 'A full year of base pay at the person''s FTE',
    tenure_years = 'Years from hire to the census date',
    tenure_band = 'Band of tenure: 1 = under 1 year, 2 = 1 to 2, 3 = 3 to 5, 4 = 6 to 10, 5 = over 10',
    age = 'Completed years of age at the census date; null when unknown',
    exit_factor = 'Likelihood to leave that department and job title make, relative to everybody''s; 1 without a calibration',
    tenure_curve = 'Number of the department''s own tenure curve; 0 = everybody''s',
    is_active = 'Always true: leavers are not in the census'
  ),
  audits (unique_values(columns := (
      employee_id
    )), not_null(columns := (
      level_id
  )), levels_known)
);

SELECT
  CAST(0 AS INT) AS simulation_year,
  CAST(census.employee_id AS TEXT) AS employee_id,
  CAST(census.job_title AS TEXT) AS job_title,
  CAST(census.department AS TEXT) AS department,
  CAST(census.gender AS TEXT) AS gender,
  CAST(census.ethnicity AS TEXT) AS ethnicity,
  CAST(census.job_family AS TEXT) AS job_family,
  CAST(census.location AS TEXT) AS location,
  CAST(census.manager_id AS TEXT) AS manager_id,
  CAST(census.birth_date AS DATE) AS birth_date,
  CAST(census.hire_date AS DATE) AS hire_date,
  CAST(census.fte AS DECIMAL(5, 4)) AS fte,
  CAST(census.performance_rating AS INT) AS performance_rating,
  CAST(census.level_id AS INT) AS level_id,
  CAST(census.base_pay AS DECIMAL(14, 2)) AS base_pay,
  CAST(ROUND(census.base_pay * census.fte, 2) AS DECIMAL(14, 2)) AS prorated_pay,
  CAST(@years_between(census.hire_date, @census_as_of) AS DOUBLE) AS tenure_years,
  CAST(@tenure_band(census.hire_date, @census_as_of) AS INT) AS tenure_band,
  CAST(@completed_years(census.birth_date, @census_as_of) AS INT) AS age,
  CAST(COALESCE(by_department.multiplier, 1) * COALESCE(by_title.multiplier, 1) AS DECIMAL(12, 6)) AS exit_factor,
  CAST(COALESCE(curves.curve, 0) AS INT) AS tenure_curve,
  CAST(TRUE AS BOOLEAN) AS is_active
FROM staging.stg_census AS census
LEFT JOIN staging.stg_exit_rates AS by_department
  ON by_department.dimension = 'department' AND by_department.key = census.department
LEFT JOIN staging.stg_exit_rates AS by_title
  ON by_title.dimension = 'job_title' AND by_title.key = census.job_title
LEFT JOIN (
  SELECT DISTINCT
    key,
    curve
  FROM staging.stg_exit_rates
  WHERE
    curve > 0
) AS curves
  ON curves.key = census.department
