/* No audits: fct_yearly_events, which stores these rows, has them. */
MODEL (
  name intermediate.int_hire_events,
  kind VIEW,
  owner workforce_planning,
  tags (intermediate, dynamics),
  grain (simulation_year, employee_id),
  description 'One row per hire.',
  column_descriptions (
    chain_order = 'Order among the events that one person has on one day'
  ),
  ignored_rules ["nomissingaudits"]
);

SELECT
  pay.simulation_year,
  pay.employee_id,
  'HIRE' AS event_type,
  'growth' AS event_reason,
  workforce.hire_date AS effective_date,
  1 AS chain_order,
  workforce.level_id,
  CAST(NULL AS INT) AS previous_level_id,
  pay.starting_pay AS compensation_amount,
  CAST(NULL AS DECIMAL(14, 2)) AS previous_compensation,
  CAST(NULL AS DECIMAL(9, 6)) AS applied_rate,
  CAST(NULL AS DOUBLE) AS probability,
  CAST(NULL AS DOUBLE) AS draw
FROM intermediate.int_pay AS pay
INNER JOIN intermediate.int_workforce AS workforce
  ON workforce.simulation_year = pay.simulation_year AND workforce.employee_id = pay.employee_id
WHERE
  pay.is_hire
