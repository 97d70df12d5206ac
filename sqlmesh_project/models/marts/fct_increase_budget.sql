MODEL (
  name marts.fct_increase_budget,
  kind FULL,
  owner compensation,
  tags (marts, budget),
  grain (simulation_year, attribute, group_name),
  depends_on (intermediate.int_pay, intermediate.int_workforce, marts.fct_budget),
  description 'One row per simulated year, attribute and group of incumbents: the increase budget of each group, weighted by FTE; raises count in the level held on their date, promotions in the level left.',
  column_descriptions (
    simulation_year = 'Simulated year',
    attribute = 'all, level, department, job_family, location or manager_id; one that the census does not have is left out',
    "group" = 'Group of the attribute; the level as a number; "not stated" for people without one',
    headcount = 'Incumbents: employed at the opening',
    opening_payroll = 'Their base pay at the opening',
    increase_rate = 'Increase budget: for COLA and for merit, cost / pay just before it of the group''s incumbents employed on its date, summed',
    increase_cost = 'Increase budget in money: annualised COLA and merit, lump sums included',
    increase_cost_in_year = 'The same as the year sees it: each raise from its date to year end or exit, and the lump sums',
    increase_share_of_opening_payroll = 'increase_cost / opening_payroll',
    cola_cost = 'Annualised COLA',
    merit_pool = 'Merit that the rates of level and group give the eligible; merit_cost + lump_sum_cost is spent of it',
    merit_cost = 'Annualised merit, without lump sums',
    lump_sum_cost = 'Merit paid once at the range maximum',
    drift_cost = 'Annualised drift: what came without a decision, beyond COLA and awards, and is no part of the increase budget; 0 without a calibration',
    drift_rate = 'drift_cost / opening_payroll',
    promotions = 'Promotions from the group',
    promotion_cost = 'Annualised promotion raises',
    promotion_rate_of_payroll = 'promotion_cost / opening_payroll',
    promotion_raise_mean = 'Mean raise at promotion, the lift to the range minimum included; null without promotions',
    promotion_raise_largest = 'Largest raise at promotion',
    promoted_below_range = 'Promotions whose pay stayed under the new range''s minimum, because of promotion_raise_max'
  ),
  audits (
    unique_combination_of_columns(columns := (simulation_year, attribute, "group")),
    groups_sum_to_the_budget
  )
);

WITH incumbents AS (
  SELECT
    pay.simulation_year,
    workforce.department,
    workforce.job_family,
    workforce.location,
    workforce.manager_id,
    pay.fte,
    pay.starting_pay,
    pay.cola_previous,
    pay.pay_on_merit_date,
    COALESCE(pay.cola_pay - pay.cola_previous, 0) AS cola,
    COALESCE(pay.drift_pay - pay.drift_previous, 0) AS drift,
    COALESCE(pay.merit_previous * pay.merit_target_rate, 0) AS merit_pool,
    COALESCE(pay.merit_pay - pay.merit_previous, 0) AS merit,
    COALESCE(pay.promotion_pay - pay.promotion_previous, 0) AS promotion,
    pay.promotion_rate,
    pay.promotion_pay < pay.range_minimum AS is_promoted_below_range,
    pay.lump_sum,
    pay.cola_days,
    pay.merit_days,
    workforce.promotion_date,
    workforce.opening_level_id,
    CASE
      WHEN workforce.promotion_date < CAST(CAST(pay.simulation_year AS TEXT) || '-' || @cola_date AS DATE)
      THEN workforce.level_id
      ELSE workforce.opening_level_id
    END AS cola_level_id,
    CASE
      WHEN workforce.promotion_date <= CAST(CAST(pay.simulation_year AS TEXT) || '-' || @merit_date AS DATE)
      THEN workforce.level_id
      ELSE workforce.opening_level_id
    END AS merit_level_id
  FROM intermediate.int_pay AS pay
  INNER JOIN intermediate.int_workforce AS workforce
    ON workforce.simulation_year = pay.simulation_year AND workforce.employee_id = pay.employee_id
  WHERE
    NOT pay.is_hire
), paths AS (
  /* people who hold the same levels through the year: summed once, counted by each level after */
  SELECT
    simulation_year,
    opening_level_id,
    cola_level_id,
    merit_level_id,
    COUNT(*) AS headcount,
    COUNT(promotion_date) AS promotions,
    SUM(starting_pay * fte) AS opening_payroll,
    SUM(cola_previous * fte) AS cola_payroll,
    SUM(pay_on_merit_date * fte) AS merit_payroll,
    SUM(cola * fte) AS cola_cost,
    SUM(drift * fte) AS drift_cost,
    SUM(merit_pool * fte) AS merit_pool,
    SUM(merit * fte) AS merit_cost,
    SUM(lump_sum * fte) AS lump_sum_cost,
    SUM(promotion * fte) AS promotion_cost,
    SUM(promotion_rate) AS promotion_rates,
    MAX(promotion_rate) AS promotion_rate_max,
    COUNT(CASE WHEN is_promoted_below_range THEN 1 END) AS promoted_below_range,
    SUM(cola * fte * cola_days) AS cola_cost_days,
    SUM(merit * fte * merit_days) AS merit_cost_days
  FROM incumbents
  GROUP BY
    simulation_year,
    opening_level_id,
    cola_level_id,
    merit_level_id
), levels AS (
  SELECT
    simulation_year,
    opening_level_id AS level_id,
    headcount,
    promotions,
    opening_payroll,
    promotion_cost,
    promotion_rates,
    promotion_rate_max,
    promoted_below_range,
    0 AS cola_payroll,
    0 AS cola_cost,
    0 AS drift_cost,
    0 AS cola_cost_days,
    0 AS merit_payroll,
    0 AS merit_pool,
    0 AS merit_cost,
    0 AS merit_cost_days,
    0 AS lump_sum_cost
  FROM paths
  UNION ALL
  SELECT
    simulation_year,
    cola_level_id AS level_id,
    0 AS headcount,
    0 AS promotions,
    0 AS opening_payroll,
    0 AS promotion_cost,
    0 AS promotion_rates,
    NULL AS promotion_rate_max,
    0 AS promoted_below_range,
    cola_payroll,
    cola_cost,
    drift_cost,
    cola_cost_days,
    0 AS merit_payroll,
    0 AS merit_pool,
    0 AS merit_cost,
    0 AS merit_cost_days,
    0 AS lump_sum_cost
  FROM paths
  UNION ALL
  SELECT
    simulation_year,
    merit_level_id AS level_id,
    0 AS headcount,
    0 AS promotions,
    0 AS opening_payroll,
    0 AS promotion_cost,
    0 AS promotion_rates,
    NULL AS promotion_rate_max,
    0 AS promoted_below_range,
    0 AS cola_payroll,
    0 AS cola_cost,
    0 AS drift_cost,
    0 AS cola_cost_days,
    merit_payroll,
    merit_pool,
    merit_cost,
    merit_cost_days,
    lump_sum_cost
  FROM paths
), everyone AS (
  SELECT
    simulation_year,
    'all' AS attribute,
    'all' AS group_name,
    headcount,
    promotions,
    opening_payroll,
    promotion_cost,
    promotion_rates,
    promotion_rate_max,
    promoted_below_range,
    cola_payroll,
    cola_cost,
    drift_cost,
    cola_cost_days,
    merit_payroll,
    merit_pool,
    merit_cost,
    merit_cost_days,
    lump_sum_cost
  FROM paths
  UNION ALL
  SELECT
    simulation_year,
    'level' AS attribute,
    CAST(level_id AS TEXT) AS group_name,
    headcount,
    promotions,
    opening_payroll,
    promotion_cost,
    promotion_rates,
    promotion_rate_max,
    promoted_below_range,
    cola_payroll,
    cola_cost,
    drift_cost,
    cola_cost_days,
    merit_payroll,
    merit_pool,
    merit_cost,
    merit_cost_days,
    lump_sum_cost
  FROM levels
  UNION ALL
  SELECT
    simulation_year,
    CASE
      WHEN GROUPING(department) = 0
      THEN 'department'
      WHEN GROUPING(job_family) = 0
      THEN 'job_family'
      WHEN GROUPING(location) = 0
      THEN 'location'
      ELSE 'manager_id'
    END AS attribute,
    COALESCE(department, job_family, location, manager_id) AS group_name,
    COUNT(*) AS headcount,
    COUNT(promotion_date) AS promotions,
    SUM(starting_pay * fte) AS opening_payroll,
    SUM(promotion * fte) AS promotion_cost,
    SUM(promotion_rate) AS promotion_rates,
    MAX(promotion_rate) AS promotion_rate_max,
    COUNT(CASE WHEN is_promoted_below_range THEN 1 END) AS promoted_below_range,
    SUM(cola_previous * fte) AS cola_payroll,
    SUM(cola * fte) AS cola_cost,
    SUM(drift * fte) AS drift_cost,
    SUM(cola * fte * cola_days) AS cola_cost_days,
    SUM(pay_on_merit_date * fte) AS merit_payroll,
    SUM(merit_pool * fte) AS merit_pool,
    SUM(merit * fte) AS merit_cost,
    SUM(merit * fte * merit_days) AS merit_cost_days,
    SUM(lump_sum * fte) AS lump_sum_cost
  FROM incumbents
  GROUP BY
    GROUPING SETS (
      (simulation_year, department),
      (simulation_year, job_family),
      (simulation_year, location),
      (simulation_year, manager_id)
    )
), stated AS (
  SELECT DISTINCT
    attribute
  FROM everyone
  WHERE
    NOT group_name IS NULL
), totals AS (
  SELECT
    everyone.simulation_year,
    everyone.attribute,
    COALESCE(everyone.group_name, 'not stated') AS group_name,
    SUM(everyone.headcount) AS headcount,
    SUM(everyone.promotions) AS promotions,
    SUM(everyone.opening_payroll) AS opening_payroll,
    SUM(everyone.promotion_cost) AS promotion_cost,
    SUM(everyone.promotion_rates) AS promotion_rates,
    MAX(everyone.promotion_rate_max) AS promotion_rate_max,
    SUM(everyone.promoted_below_range) AS promoted_below_range,
    NULLIF(SUM(everyone.cola_payroll), 0) AS cola_payroll,
    NULLIF(SUM(everyone.merit_payroll), 0) AS merit_payroll,
    SUM(everyone.cola_cost) AS cola_cost,
    SUM(everyone.drift_cost) AS drift_cost,
    SUM(everyone.merit_pool) AS merit_pool,
    SUM(everyone.merit_cost) AS merit_cost,
    SUM(everyone.lump_sum_cost) AS lump_sum_cost,
    SUM(everyone.cola_cost_days + everyone.merit_cost_days) AS cost_days,
    CAST(CAST(CAST(everyone.simulation_year AS TEXT) || '-12-31' AS DATE) - CAST(CAST(everyone.simulation_year AS TEXT) || '-01-01' AS DATE) + 1 AS INT) AS days
  FROM everyone
  INNER JOIN stated
    ON stated.attribute = everyone.attribute
  GROUP BY
    everyone.simulation_year,
    everyone.attribute,
    COALESCE(everyone.group_name, 'not stated')
)
SELECT
  CAST(simulation_year AS INT) AS simulation_year,
  CAST(attribute AS TEXT) AS attribute,
  CAST(group_name AS TEXT) AS "group",
  CAST(headcount AS BIGINT) AS headcount,
  CAST(opening_payroll AS DECIMAL(28, 6)) AS opening_payroll,
  CAST(CASE
    WHEN NOT COALESCE(cola_payroll, merit_payroll) IS NULL
    THEN COALESCE(CAST(cola_cost AS DOUBLE) / CAST(cola_payroll AS DOUBLE), 0) + COALESCE(CAST(merit_cost + lump_sum_cost AS DOUBLE) / CAST(merit_payroll AS DOUBLE), 0)
  END AS DOUBLE) AS increase_rate,
  CAST(cola_cost + merit_cost + lump_sum_cost AS DECIMAL(28, 6)) AS increase_cost,
  CAST(ROUND(CAST(cost_days AS DOUBLE) / days + CAST(lump_sum_cost AS DOUBLE), 6) AS DECIMAL(28, 6)) AS increase_cost_in_year,
  CAST((
    CAST(cola_cost + merit_cost + lump_sum_cost AS DOUBLE) / NULLIF(CAST(opening_payroll AS DOUBLE), 0)
  ) AS DOUBLE) AS increase_share_of_opening_payroll,
  CAST(cola_cost AS DECIMAL(28, 6)) AS cola_cost,
  CAST(merit_pool AS DECIMAL(28, 6)) AS merit_pool,
  CAST(merit_cost AS DECIMAL(28, 6)) AS merit_cost,
  CAST(lump_sum_cost AS DECIMAL(28, 6)) AS lump_sum_cost,
  CAST(drift_cost AS DECIMAL(28, 6)) AS drift_cost,
  CAST((
    CAST(drift_cost AS DOUBLE) / NULLIF(CAST(opening_payroll AS DOUBLE), 0)
  ) AS DOUBLE) AS drift_rate,
  CAST(promotions AS BIGINT) AS promotions,
  CAST(promotion_cost AS DECIMAL(28, 6)) AS promotion_cost,
  CAST((
    CAST(promotion_cost AS DOUBLE) / NULLIF(CAST(opening_payroll AS DOUBLE), 0)
  ) AS DOUBLE) AS promotion_rate_of_payroll,
  CAST((
    CAST(promotion_rates AS DOUBLE) / NULLIF(promotions, 0)
  ) AS DOUBLE) AS promotion_raise_mean,
  CAST(promotion_rate_max AS DOUBLE) AS promotion_raise_largest,
  CAST(promoted_below_range AS BIGINT) AS promoted_below_range
FROM totals
