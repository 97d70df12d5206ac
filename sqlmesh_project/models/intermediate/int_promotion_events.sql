/* No audits: fct_yearly_events, which stores these rows, has them. */
MODEL (
  name intermediate.int_promotion_events,
  kind VIEW,
  owner workforce_planning,
  tags (intermediate, dynamics),
  grain (simulation_year, employee_id),
  description 'One row per promotion.',
  column_descriptions (
    chain_order = 'Order among the events that one person has on one day'
  ),
  ignored_rules ["nomissingaudits"]
);

SELECT
  pay.simulation_year,
  pay.employee_id,
  'PROMOTION' AS event_type,
  'promotion' AS event_reason,
  workforce.promotion_date AS effective_date,
  4 AS chain_order,
  workforce.level_id,
  workforce.opening_level_id AS previous_level_id,
  pay.promotion_pay AS compensation_amount,
  pay.promotion_previous AS previous_compensation,
  pay.promotion_rate AS applied_rate,
  workforce.promotion_probability AS probability,
  workforce.promotion_draw AS draw
FROM intermediate.int_pay AS pay
INNER JOIN intermediate.int_workforce AS workforce
  ON workforce.simulation_year = pay.simulation_year AND workforce.employee_id = pay.employee_id
WHERE
  NOT workforce.promotion_date IS NULL
