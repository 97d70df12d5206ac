MODEL (
  name marts.fct_workforce_snapshot,
  kind FULL,
  owner people_analytics,
  tags (marts, results),
  grain (simulation_year, employee_id),
  description 'One row per simulated year and person employed in it; year 0 is the census.',
  column_descriptions (
    simulation_year = 'Simulated year; 0 = the census',
    employee_id = 'Census id, or NEW-<year>-<slot>',
    employment_status = 'continuous_active, new_hire_active, experienced_termination or new_hire_termination',
    level_id = 'Level at year end, or at exit',
    job_title = 'Job title',
    department = 'Department',
    job_family = 'Job family; null when not available',
    location = 'Location; null when not available',
    manager_id = 'Manager: an employee id or a keyed hash; null when not available',
    gender = 'Gender as reported; null when not available',
    hire_date = 'Date of hire',
    termination_date = 'Last day employed; null when employed at year end',
    age = 'Completed years at year end or exit; null when not available',
    tenure_years = 'Years from hire to year end or exit',
    fte = 'Full-time equivalent',
    performance_rating = 'Rating 1..5',
    opening_base_pay = 'Annual base pay at the opening; null for hires of the year',
    base_pay = 'Annual base pay at year end, or at exit',
    prorated_pay = 'Pay earned in the year',
    market_reference = 'What the market pays for the job title in the year; null with a reason; the midpoint of the level''s range until a survey is matched',
    market_ratio = 'Compa-ratio to the market: base_pay / market_reference; null with a reason',
    market_position = 'Percentile of base_pay in the market of the title, interpolated, P10 where it is below and P90 where it is above; null where fewer than two percentiles are known',
    market_reason = 'Why market_ratio is null: no_survey (none is matched with the job titles), review (a person decides what the title is), unmatched, no_wages (none are published for the occupation)',
    compa_ratio = 'base_pay / range midpoint of the year',
    range_penetration = '(base_pay - range_minimum) / (range_maximum - range_minimum)',
    range_minimum = 'Minimum of the level''s pay range in the year, as annual base pay',
    range_maximum = 'Maximum of the level''s pay range in the year, as annual base pay'
  ),
  audits (
    unique_combination_of_columns(columns := (simulation_year, employee_id)),
    not_null(columns := (level_id, base_pay, prorated_pay)),
    closing_opens_the_next_year,
    closing_is_the_target,
    hires_and_exits_within_the_year,
    pay_never_falls,
    prorated_is_replayed(cola_day := @cola_date, promotion_day := @promotion_date, merit_day := @merit_date)
  )
);

WITH simulated AS (
  SELECT
    pay.simulation_year,
    pay.employee_id,
    CASE
      WHEN pay.is_hire AND pay.is_active
      THEN 'new_hire_active'
      WHEN pay.is_hire
      THEN 'new_hire_termination'
      WHEN pay.is_active
      THEN 'continuous_active'
      ELSE 'experienced_termination'
    END AS employment_status,
    pay.level_id,
    workforce.job_title,
    workforce.department,
    workforce.job_family,
    workforce.location,
    workforce.manager_id,
    workforce.gender,
    workforce.hire_date,
    workforce.termination_date,
    @completed_years(workforce.birth_date, pay.last_day) AS age,
    @years_between(workforce.hire_date, pay.last_day) AS tenure_years,
    pay.fte,
    workforce.performance_rating,
    CASE WHEN NOT pay.is_hire THEN pay.starting_pay END AS opening_base_pay,
    pay.base_pay,
    pay.prorated_pay,
    COALESCE(market.market_reference, pay.market_reference) AS market_reference,
    market.market_ratio,
    market.market_position,
    pay.range_minimum,
    pay.range_midpoint,
    pay.range_maximum
  FROM intermediate.int_pay AS pay
  INNER JOIN intermediate.int_workforce AS workforce
    ON workforce.simulation_year = pay.simulation_year AND workforce.employee_id = pay.employee_id
  LEFT JOIN intermediate.int_market AS market
    ON market.simulation_year = pay.simulation_year AND market.employee_id = pay.employee_id
), census AS (
  SELECT
    baseline.simulation_year,
    baseline.employee_id,
    'continuous_active' AS employment_status,
    baseline.level_id,
    baseline.job_title,
    baseline.department,
    baseline.job_family,
    baseline.location,
    baseline.manager_id,
    baseline.gender,
    baseline.hire_date,
    CAST(NULL AS DATE) AS termination_date,
    baseline.age,
    baseline.tenure_years,
    baseline.fte,
    baseline.performance_rating,
    baseline.base_pay AS opening_base_pay,
    baseline.base_pay,
    baseline.prorated_pay,
    COALESCE(titles.market_median, market.market_reference) AS market_reference,
    CAST(baseline.base_pay AS DOUBLE) / CAST(titles.market_median AS DOUBLE) AS market_ratio,
    @market_place(baseline.base_pay) AS market_position,
    levels.minimum AS range_minimum,
    levels.midpoint AS range_midpoint,
    levels.maximum AS range_maximum
  FROM intermediate.int_baseline_workforce AS baseline
  INNER JOIN staging.stg_job_levels AS levels
    ON levels.level_id = baseline.level_id
  INNER JOIN staging.stg_market_reference AS market
    ON market.level_id = baseline.level_id
  LEFT JOIN staging.stg_market_titles AS titles
    ON titles.job_title = baseline.job_title
), everyone AS (
  SELECT
    *
  FROM census
  UNION ALL
  SELECT
    *
  FROM simulated
)
SELECT
  CAST(simulation_year AS INT) AS simulation_year,
  CAST(employee_id AS TEXT) AS employee_id,
  CAST(employment_status AS TEXT) AS employment_status,
  CAST(level_id AS INT) AS level_id,
  CAST(everyone.job_title AS TEXT) AS job_title,
  CAST(department AS TEXT) AS department,
  CAST(job_family AS TEXT) AS job_family,
  CAST(location AS TEXT) AS location,
  CAST(manager_id AS TEXT) AS manager_id,
  CAST(gender AS TEXT) AS gender,
  CAST(hire_date AS DATE) AS hire_date,
  CAST(termination_date AS DATE) AS termination_date,
  CAST(age AS INT) AS age,
  CAST(tenure_years AS DOUBLE) AS tenure_years,
  CAST(fte AS DECIMAL(5, 4)) AS fte,
  CAST(performance_rating AS INT) AS performance_rating,
  CAST(opening_base_pay AS DECIMAL(14, 2)) AS opening_base_pay,
  CAST(base_pay AS DECIMAL(14, 2)) AS base_pay,
  CAST(prorated_pay AS DECIMAL(14, 2)) AS prorated_pay,
  CAST(market_reference AS DECIMAL(14, 2)) AS market_reference,
  CAST(market_ratio AS DECIMAL(12, 6)) AS market_ratio,
  CAST(market_position AS DECIMAL(8, 4)) AS market_position,
  CAST(CASE
    WHEN NOT market_ratio IS NULL
    THEN NULL
    WHEN NOT market_reference IS NULL
    THEN 'no_survey'
    ELSE COALESCE(titles.market_reason, 'unmatched')
  END AS TEXT) AS market_reason,
  CAST(CAST(base_pay AS DOUBLE) / CAST(range_midpoint AS DOUBLE) AS DECIMAL(12, 6)) AS compa_ratio,
  CAST(CAST(base_pay - range_minimum AS DOUBLE) / CAST(range_maximum - range_minimum AS DOUBLE) AS DECIMAL(12, 6)) AS range_penetration,
  CAST(range_minimum AS DECIMAL(14, 2)) AS range_minimum,
  CAST(range_maximum AS DECIMAL(14, 2)) AS range_maximum
FROM everyone
LEFT JOIN staging.stg_market_titles AS titles
  ON titles.job_title = everyone.job_title
