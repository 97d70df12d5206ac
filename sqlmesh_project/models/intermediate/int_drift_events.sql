/* No audits: fct_yearly_events, which stores these rows, has them. */
MODEL (
  name intermediate.int_drift_events,
  kind VIEW,
  owner compensation,
  tags (intermediate, pay),
  grain (simulation_year, employee_id),
  description 'One row per drift of pay: what came without a decision, on the COLA date.',
  column_descriptions (
    chain_order = 'Order among the events that one person has on one day'
  ),
  ignored_rules ["nomissingaudits"]
);

SELECT
  pay.simulation_year,
  pay.employee_id,
  'RAISE' AS event_type,
  'DRIFT' AS event_reason,
  CAST(CAST(pay.simulation_year AS TEXT) || '-' || @cola_date AS DATE) AS effective_date,
  3 AS chain_order,
  CASE
    WHEN workforce.promotion_date IS NULL
    OR workforce.promotion_date < CAST(CAST(pay.simulation_year AS TEXT) || '-' || @cola_date AS DATE)
    THEN workforce.level_id
    ELSE workforce.opening_level_id
  END AS level_id,
  CASE
    WHEN workforce.promotion_date IS NULL
    OR workforce.promotion_date < CAST(CAST(pay.simulation_year AS TEXT) || '-' || @cola_date AS DATE)
    THEN workforce.level_id
    ELSE workforce.opening_level_id
  END AS previous_level_id,
  pay.drift_pay AS compensation_amount,
  pay.drift_previous AS previous_compensation,
  pay.drift_rate AS applied_rate,
  CAST(NULL AS DOUBLE) AS probability,
  CAST(NULL AS DOUBLE) AS draw
FROM intermediate.int_pay AS pay
INNER JOIN intermediate.int_workforce AS workforce
  ON workforce.simulation_year = pay.simulation_year AND workforce.employee_id = pay.employee_id
WHERE
  pay.drift_pay <> pay.drift_previous
