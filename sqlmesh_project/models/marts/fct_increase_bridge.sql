MODEL (
  name marts.fct_increase_bridge,
  kind FULL,
  owner compensation,
  tags (marts, budget),
  grain (simulation_year, attribute, group_name, part),
  depends_on (intermediate.int_listed_raises, intermediate.int_pay, intermediate.int_workforce, marts.fct_budget),
  description 'One row per attribute, group and part of the first simulated year: from the increase list, which knows nothing that chance decides, to the increase budget. Parts of all people sum to the budget; groups have the list and what promotions bring, by the level and department in the census.',
  column_descriptions (
    simulation_year = 'First simulated year',
    attribute = 'all, level, department, job_family or location; one that the census does not have is left out',
    "group" = 'Group of the attribute; the level as a number; "not stated" for people without one',
    part = 'list: the increase list. promotions: COLA and merit on the pay and level after a promotion, instead of those on the list. exits: raises on the list of people who leave before their date, negative. draws: merit of everyone else, whose matrix is scaled over those who are paid, on pay that may have drifted',
    cola_cost = 'COLA and awards, annualised base pay x FTE',
    merit_cost = 'Merit raises, annualised base pay x FTE',
    lump_sum_cost = 'Merit paid once at the range maximum, x FTE',
    increase_cost = 'cola_cost + merit_cost + lump_sum_cost'
  ),
  audits (
    unique_combination_of_columns(columns := (simulation_year, attribute, "group", part)),
    parts_sum_to_the_increase_budget,
    groups_sum_to_the_parts
  )
);

WITH people AS (
  SELECT
    pay.simulation_year,
    workforce.opening_level_id,
    workforce.department,
    workforce.job_family,
    workforce.location,
    listed.cola * pay.fte AS listed_cola,
    listed.merit * pay.fte AS listed_merit,
    listed.lump_sum * pay.fte AS listed_lump_sum,
    (
      COALESCE(pay.cola_pay - pay.cola_previous, 0) - listed.cola
    ) * pay.fte AS cola,
    (
      COALESCE(pay.merit_pay - pay.merit_previous, 0) - listed.merit
    ) * pay.fte AS merit,
    (
      pay.lump_sum - listed.lump_sum
    ) * pay.fte AS lump_sum,
    CASE
      WHEN pay.cola_pay IS NULL
      THEN 'exits'
      WHEN workforce.promotion_date < CAST(CAST(pay.simulation_year AS TEXT) || '-' || @cola_date AS DATE)
      THEN 'promotions'
      ELSE 'draws'
    END AS cola_part,
    CASE
      WHEN pay.pay_on_merit_date IS NULL
      THEN 'exits'
      WHEN workforce.promotion_date <= CAST(CAST(pay.simulation_year AS TEXT) || '-' || @merit_date AS DATE)
      THEN 'promotions'
      ELSE 'draws'
    END AS merit_part
  FROM intermediate.int_listed_raises AS listed
  INNER JOIN intermediate.int_pay AS pay
    ON pay.simulation_year = listed.simulation_year AND pay.employee_id = listed.employee_id
  INNER JOIN intermediate.int_workforce AS workforce
    ON workforce.simulation_year = pay.simulation_year AND workforce.employee_id = pay.employee_id
), parts AS (
  SELECT
    simulation_year,
    opening_level_id,
    department,
    job_family,
    location,
    'list' AS part,
    listed_cola AS cola_cost,
    listed_merit AS merit_cost,
    listed_lump_sum AS lump_sum_cost
  FROM people
  UNION ALL
  SELECT
    simulation_year,
    opening_level_id,
    department,
    job_family,
    location,
    cola_part AS part,
    cola AS cola_cost,
    0 AS merit_cost,
    0 AS lump_sum_cost
  FROM people
  UNION ALL
  SELECT
    simulation_year,
    opening_level_id,
    department,
    job_family,
    location,
    merit_part AS part,
    0 AS cola_cost,
    merit AS merit_cost,
    lump_sum AS lump_sum_cost
  FROM people
), everyone AS (
  SELECT
    simulation_year,
    'all' AS attribute,
    'all' AS group_name,
    part,
    SUM(cola_cost) AS cola_cost,
    SUM(merit_cost) AS merit_cost,
    SUM(lump_sum_cost) AS lump_sum_cost
  FROM parts
  GROUP BY
    simulation_year,
    part
  UNION ALL
  SELECT
    simulation_year,
    CASE
      WHEN GROUPING(opening_level_id) = 0
      THEN 'level'
      WHEN GROUPING(department) = 0
      THEN 'department'
      WHEN GROUPING(job_family) = 0
      THEN 'job_family'
      ELSE 'location'
    END AS attribute,
    COALESCE(CAST(opening_level_id AS TEXT), department, job_family, location) AS group_name,
    part,
    SUM(cola_cost) AS cola_cost,
    SUM(merit_cost) AS merit_cost,
    SUM(lump_sum_cost) AS lump_sum_cost
  FROM parts
  WHERE
    part IN ('list', 'promotions')
  GROUP BY
    GROUPING SETS (
      (simulation_year, part, opening_level_id),
      (simulation_year, part, department),
      (simulation_year, part, job_family),
      (simulation_year, part, location)
    )
), stated AS (
  SELECT DISTINCT
    attribute
  FROM everyone
  WHERE
    NOT group_name IS NULL
)
SELECT
  CAST(everyone.simulation_year AS INT) AS simulation_year,
  CAST(everyone.attribute AS TEXT) AS attribute,
  CAST(COALESCE(everyone.group_name, 'not stated') AS TEXT) AS "group",
  CAST(everyone.part AS TEXT) AS part,
  CAST(everyone.cola_cost AS DECIMAL(28, 6)) AS cola_cost,
  CAST(everyone.merit_cost AS DECIMAL(28, 6)) AS merit_cost,
  CAST(everyone.lump_sum_cost AS DECIMAL(28, 6)) AS lump_sum_cost,
  CAST(everyone.cola_cost + everyone.merit_cost + everyone.lump_sum_cost AS DECIMAL(28, 6)) AS increase_cost
FROM everyone
INNER JOIN stated
  ON stated.attribute = everyone.attribute
