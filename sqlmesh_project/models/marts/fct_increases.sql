MODEL (
  name marts.fct_increases,
  kind VIEW,
  owner compensation,
  tags (marts, budget),
  grain (simulation_year, employee_id),
  depends_on (
    intermediate.int_market,
    intermediate.int_pay,
    intermediate.int_workforce,
    staging.stg_job_levels,
    staging.stg_market_titles,
    marts.fct_budget
  ),
  description 'One row per incumbent of the first simulated year: what COLA and merit do to full-time annual base pay. Levels and ranges are those of the census: promotions are drawn, so their raises are left out.',
  column_descriptions (
    simulation_year = 'First simulated year',
    employee_id = 'Census id',
    job_title = 'Job title',
    department = 'Department',
    job_family = 'Job family; null where the census has none',
    location = 'Location; null where the census has none',
    manager_id = 'Id of the manager; null where the census has none',
    level_id = 'Level at the opening',
    performance_rating = 'Rating 1..5',
    fte = 'Full-time equivalent: an amount x FTE is what is paid',
    range_penetration = '(old_pay - minimum) / (maximum - minimum) of the census''s range',
    compa_ratio_before = 'old_pay / midpoint of the census''s range',
    compa_ratio_after = 'new_pay / midpoint of the year''s range',
    market_reference = 'What the market pays for the job title in the year; null where the title is not matched',
    market_ratio_before = 'old_pay / what the market pays for the title at the census date; null where it is not matched',
    market_ratio_after = 'new_pay / market_reference',
    old_pay = 'Annual base pay at the opening',
    cola = 'What COLA adds to annual base pay',
    merit = 'What merit adds to annual base pay',
    lump_sum = 'Merit paid once at the range maximum',
    new_pay = 'old_pay + cola + merit',
    cola_date = 'Date of the COLA; null without one',
    merit_date = 'Date of the merit raise or lump sum; null without one',
    on_cola_date = 'Employed on the COLA date',
    on_merit_date = 'Employed on the merit date, eligible or not',
    merit_eligible = 'Employed on the merit date, with the required service'
  ),
  audits (
    unique_combination_of_columns(columns := (simulation_year, employee_id)),
    increases_sum_to_the_budget
  )
);

WITH first_year AS (
  SELECT
    MIN(simulation_year) AS simulation_year
  FROM @simulated_year_rows() AS declared
), incumbents AS (
  SELECT
    pay.simulation_year,
    pay.employee_id,
    workforce.job_title,
    workforce.department,
    workforce.job_family,
    workforce.location,
    workforce.manager_id,
    workforce.opening_level_id,
    pay.level_id,
    workforce.performance_rating,
    pay.fte,
    pay.starting_pay,
    pay.range_midpoint,
    market.market_reference,
    COALESCE(pay.cola_pay - pay.cola_previous, 0) AS cola,
    COALESCE(pay.merit_pay - pay.merit_previous, 0) AS merit,
    pay.lump_sum,
    NOT pay.cola_pay IS NULL AS on_cola_date,
    NOT pay.pay_on_merit_date IS NULL AS on_merit_date,
    NOT pay.merit_pay IS NULL AS merit_eligible
  FROM intermediate.int_pay AS pay
  INNER JOIN first_year
    ON first_year.simulation_year = pay.simulation_year
  INNER JOIN intermediate.int_workforce AS workforce
    ON workforce.simulation_year = pay.simulation_year AND workforce.employee_id = pay.employee_id
  LEFT JOIN intermediate.int_market AS market
    ON market.simulation_year = pay.simulation_year AND market.employee_id = pay.employee_id
  WHERE
    NOT pay.is_hire
), placed AS (
  SELECT
    incumbents.*,
    incumbents.starting_pay + incumbents.cola + incumbents.merit AS new_pay,
    opening.minimum,
    opening.midpoint,
    opening.maximum,
    titles.market_median,
    CAST(opening.midpoint AS DOUBLE) /* ranges of all levels move by one factor a year */ * CAST(incumbents.range_midpoint AS DOUBLE) / CAST(closing.midpoint AS DOUBLE) AS new_midpoint
  FROM incumbents
  INNER JOIN staging.stg_job_levels AS opening
    ON opening.level_id = incumbents.opening_level_id
  INNER JOIN staging.stg_job_levels AS closing
    ON closing.level_id = incumbents.level_id
  LEFT JOIN staging.stg_market_titles AS titles
    ON titles.job_title = incumbents.job_title
)
SELECT
  CAST(simulation_year AS INT) AS simulation_year,
  CAST(employee_id AS TEXT) AS employee_id,
  CAST(job_title AS TEXT) AS job_title,
  CAST(department AS TEXT) AS department,
  CAST(job_family AS TEXT) AS job_family,
  CAST(location AS TEXT) AS location,
  CAST(manager_id AS TEXT) AS manager_id,
  CAST(opening_level_id AS INT) AS level_id,
  CAST(performance_rating AS INT) AS performance_rating,
  CAST(fte AS DECIMAL(5, 4)) AS fte,
  CAST(CAST(starting_pay - minimum AS DOUBLE) / CAST(maximum - minimum AS DOUBLE) AS DECIMAL(12, 6)) AS range_penetration,
  CAST(CAST(starting_pay AS DOUBLE) / CAST(midpoint AS DOUBLE) AS DECIMAL(12, 6)) AS compa_ratio_before,
  CAST(CAST(new_pay AS DOUBLE) / new_midpoint AS DECIMAL(12, 6)) AS compa_ratio_after,
  CAST(market_reference AS DECIMAL(14, 2)) AS market_reference,
  CAST(CAST(starting_pay AS DOUBLE) / CAST(market_median AS DOUBLE) AS DECIMAL(12, 6)) AS market_ratio_before,
  CAST(CAST(new_pay AS DOUBLE) / CAST(market_reference AS DOUBLE) AS DECIMAL(12, 6)) AS market_ratio_after,
  CAST(starting_pay AS DECIMAL(14, 2)) AS old_pay,
  CAST(cola AS DECIMAL(14, 2)) AS cola,
  CAST(merit AS DECIMAL(14, 2)) AS merit,
  CAST(lump_sum AS DECIMAL(14, 2)) AS lump_sum,
  CAST(new_pay AS DECIMAL(14, 2)) AS new_pay,
  CAST(CASE WHEN cola > 0 THEN CAST(simulation_year AS TEXT) || '-' || @cola_date END AS DATE) AS cola_date,
  CAST(CASE WHEN merit + lump_sum > 0 THEN CAST(simulation_year AS TEXT) || '-' || @merit_date END AS DATE) AS merit_date,
  CAST(on_cola_date AS BOOLEAN) AS on_cola_date,
  CAST(on_merit_date AS BOOLEAN) AS on_merit_date,
  CAST(merit_eligible AS BOOLEAN) AS merit_eligible
FROM placed
