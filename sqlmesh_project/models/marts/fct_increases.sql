MODEL (
  name marts.fct_increases,
  kind VIEW,
  owner compensation,
  tags (marts, budget),
  grain (simulation_year, employee_id),
  depends_on (
    intermediate.int_baseline_workforce,
    intermediate.int_listed_raises,
    intermediate.int_market,
    staging.stg_job_levels,
    staging.stg_market_titles,
    marts.fct_budget,
    marts.fct_increase_bridge
  ),
  description 'One row per employee of the census: what COLA and merit of the first simulated year do to full-time annual base pay, by the levers and the census alone. Nothing that chance decides is in a row: no promotion, no exit, no drift; fct_increase_bridge has what they change.',
  column_descriptions (
    simulation_year = 'First simulated year',
    employee_id = 'Census id',
    job_title = 'Job title',
    department = 'Department',
    job_family = 'Job family; null where the census has none',
    location = 'Location; null where the census has none',
    manager_id = 'Id of the manager; null where the census has none',
    level_id = 'Level in the census',
    performance_rating = 'Rating 1..5',
    fte = 'Full-time equivalent: an amount x FTE is what is paid',
    range_penetration = '(old_pay - minimum) / (maximum - minimum) of the census''s range',
    compa_ratio_before = 'old_pay / midpoint of the census''s range',
    compa_ratio_after = 'new_pay / midpoint of the year''s range',
    market_reference = 'What the market pays for the job title in the year; null where the title is not matched',
    market_ratio_before = 'old_pay / what the market pays for the title at the census date; null where it is not matched',
    market_ratio_after = 'new_pay / market_reference',
    old_pay = 'Annual base pay in the census',
    cola = 'What COLA adds to annual base pay',
    merit = 'What merit adds to annual base pay',
    lump_sum = 'Merit paid once at the range maximum',
    new_pay = 'old_pay + cola + merit',
    cola_date = 'Date of the COLA; null without one',
    merit_date = 'Date of the merit raise or lump sum; null without one',
    merit_eligible = 'With the required service on the merit date'
  ),
  audits (
    unique_combination_of_columns(columns := (simulation_year, employee_id)),
    increases_sum_to_the_list_part
  )
);

WITH placed AS (
  SELECT
    listed.*,
    listed.old_pay + listed.cola + listed.merit AS new_pay,
    census.job_title,
    census.department,
    census.job_family,
    census.location,
    census.manager_id,
    census.performance_rating,
    census.fte,
    levels.minimum,
    levels.midpoint,
    levels.maximum,
    market.market_reference,
    titles.market_median
  FROM intermediate.int_listed_raises AS listed
  INNER JOIN intermediate.int_baseline_workforce AS census
    ON census.employee_id = listed.employee_id
  INNER JOIN staging.stg_job_levels AS levels
    ON levels.level_id = listed.level_id
  LEFT JOIN intermediate.int_market AS market
    ON market.simulation_year = listed.simulation_year AND market.employee_id = listed.employee_id
  LEFT JOIN staging.stg_market_titles AS titles
    ON titles.job_title = census.job_title
)
SELECT
  CAST(simulation_year AS INT) AS simulation_year,
  CAST(employee_id AS TEXT) AS employee_id,
  CAST(job_title AS TEXT) AS job_title,
  CAST(department AS TEXT) AS department,
  CAST(job_family AS TEXT) AS job_family,
  CAST(location AS TEXT) AS location,
  CAST(manager_id AS TEXT) AS manager_id,
  CAST(level_id AS INT) AS level_id,
  CAST(performance_rating AS INT) AS performance_rating,
  CAST(fte AS DECIMAL(5, 4)) AS fte,
  CAST(CAST(old_pay - minimum AS DOUBLE) / CAST(maximum - minimum AS DOUBLE) AS DECIMAL(12, 6)) AS range_penetration,
  CAST(CAST(old_pay AS DOUBLE) / CAST(midpoint AS DOUBLE) AS DECIMAL(12, 6)) AS compa_ratio_before,
  CAST(CAST(new_pay AS DOUBLE) / CAST(range_midpoint AS DOUBLE) AS DECIMAL(12, 6)) AS compa_ratio_after,
  CAST(market_reference AS DECIMAL(14, 2)) AS market_reference,
  CAST(CAST(old_pay AS DOUBLE) / CAST(market_median AS DOUBLE) AS DECIMAL(12, 6)) AS market_ratio_before,
  CAST(CAST(new_pay AS DOUBLE) / CAST(market_reference AS DOUBLE) AS DECIMAL(12, 6)) AS market_ratio_after,
  CAST(old_pay AS DECIMAL(14, 2)) AS old_pay,
  CAST(cola AS DECIMAL(14, 2)) AS cola,
  CAST(merit AS DECIMAL(14, 2)) AS merit,
  CAST(lump_sum AS DECIMAL(14, 2)) AS lump_sum,
  CAST(new_pay AS DECIMAL(14, 2)) AS new_pay,
  CAST(CASE WHEN cola > 0 THEN CAST(simulation_year AS TEXT) || '-' || @cola_date END AS DATE) AS cola_date,
  CAST(CASE WHEN merit + lump_sum > 0 THEN CAST(simulation_year AS TEXT) || '-' || @merit_date END AS DATE) AS merit_date,
  CAST(merit_eligible AS BOOLEAN) AS merit_eligible
FROM placed
