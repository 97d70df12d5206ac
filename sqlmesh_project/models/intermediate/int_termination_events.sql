/* No audits: fct_yearly_events, which stores these rows, has them. */
MODEL (
  name intermediate.int_termination_events,
  kind VIEW,
  owner workforce_planning,
  tags (intermediate, dynamics),
  grain (simulation_year, employee_id),
  description 'One row per exit, experienced or new hire.',
  column_descriptions (
    chain_order = 'Order among the events that one person has on one day'
  ),
  ignored_rules ["nomissingaudits"]
);

SELECT
  pay.simulation_year,
  pay.employee_id,
  'TERMINATION' AS event_type,
  workforce.termination_reason AS event_reason,
  workforce.termination_date AS effective_date,
  6 AS chain_order,
  workforce.level_id,
  workforce.level_id AS previous_level_id,
  pay.base_pay AS compensation_amount,
  pay.base_pay AS previous_compensation,
  CAST(NULL AS DECIMAL(9, 6)) AS applied_rate,
  workforce.termination_probability AS probability,
  workforce.termination_draw AS draw
FROM intermediate.int_pay AS pay
INNER JOIN intermediate.int_workforce AS workforce
  ON workforce.simulation_year = pay.simulation_year AND workforce.employee_id = pay.employee_id
WHERE
  NOT workforce.is_active
