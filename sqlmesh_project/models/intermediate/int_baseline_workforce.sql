MODEL (
  name intermediate.int_baseline_workforce,
  kind FULL,
  grain employee_id,
  depends_on (staging.stg_census, staging.stg_job_levels),
  description 'One row per employee at the census date: the opening workforce of the first simulated year.',
  column_descriptions (
    simulation_year = '0: the census',
    employee_id = 'Stable pseudonymous id',
    level_id = 'Job level at the census date',
    base_pay = 'Annual base pay at the census date',
    prorated_pay = 'A full year of base pay at the person''s FTE',
    tenure_years = 'Years from hire to the census date',
    age = 'Completed years of age at the census date; null when unknown',
    is_active = 'Always true: leavers are not in the census'
  ),
  audits (
    unique_values(columns := (employee_id)),
    not_null(columns := (level_id)),
    levels_known
  )
);

SELECT
  0::INT AS simulation_year,
  census.employee_id::TEXT AS employee_id,
  census.job_title::TEXT AS job_title,
  census.department::TEXT AS department,
  census.gender::TEXT AS gender,
  census.ethnicity::TEXT AS ethnicity,
  census.birth_date::DATE AS birth_date,
  census.hire_date::DATE AS hire_date,
  census.fte::DECIMAL(5, 4) AS fte,
  census.performance_rating::INT AS performance_rating,
  census.level_id::INT AS level_id,
  census.base_pay::DECIMAL(14, 2) AS base_pay,
  ROUND(census.base_pay * census.fte, 2)::DECIMAL(14, 2) AS prorated_pay,
  @years_between(census.hire_date, @census_as_of)::DOUBLE AS tenure_years,
  @completed_years(census.birth_date, @census_as_of)::INT AS age,
  TRUE::BOOLEAN AS is_active
FROM staging.stg_census AS census
