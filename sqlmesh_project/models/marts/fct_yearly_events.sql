MODEL (
  name marts.fct_yearly_events,
  kind FULL,
  owner people_analytics,
  tags (marts, results),
  grain event_id,
  depends_on (
    intermediate.int_hire_events,
    intermediate.int_cola_events,
    intermediate.int_promotion_events,
    intermediate.int_merit_events,
    intermediate.int_termination_events,
    intermediate.int_workforce,
    intermediate.int_pay
  ),
  description 'One row per event: the immutable log that replays every person''s pay, level and employment.',
  column_descriptions (
    event_id = 'year/employee/type/reason: the same event has the same id in every run',
    employee_id = 'Census id, or NEW-<year>-<slot>',
    simulation_year = 'Simulated year',
    event_type = 'HIRE, TERMINATION, PROMOTION or RAISE',
    event_reason = 'growth, voluntary, new_hire, reduction, promotion, COLA, DRIFT or MERIT',
    effective_date = 'First day on which it applies; for an exit the last day employed',
    event_sequence = '1..n in a person''s year, in the order in which pay changes',
    level_id = 'Level after the event',
    previous_level_id = 'Level before the event; null for a hire',
    compensation_amount = 'Annual base pay after the event; at exit, the last pay',
    previous_compensation = 'Annual base pay before the event; null for a hire',
    applied_rate = 'compensation = round(previous x (1 + rate), 2); null where no rate applies',
    probability = 'Probability that the draw is compared with; null where nothing is drawn',
    draw = 'Uniform draw in (0, 1)'
  ),
  audits (
    unique_values(columns := (
      event_id
    )),
    not_null(columns := (employee_id, event_type, event_reason, effective_date, compensation_amount)),
    one_hire_one_termination,
    events_within_employment,
    compensation_chains,
    levels_change_by_promotion_only,
    pay_is_the_replay_of_events
  )
);

WITH events AS (
  SELECT
    *
  FROM intermediate.int_hire_events
  UNION ALL
  SELECT
    *
  FROM intermediate.int_cola_events
  UNION ALL
  SELECT
    *
  FROM intermediate.int_drift_events
  UNION ALL
  SELECT
    *
  FROM intermediate.int_promotion_events
  UNION ALL
  SELECT
    *
  FROM intermediate.int_merit_events
  UNION ALL
  SELECT
    *
  FROM intermediate.int_termination_events
)
SELECT
  CAST((
    CAST(simulation_year AS TEXT) || '/' || employee_id || '/' || event_type || '/' || event_reason
  ) AS TEXT) AS event_id,
  CAST(employee_id AS TEXT) AS employee_id,
  CAST(simulation_year AS INT) AS simulation_year,
  CAST(event_type AS TEXT) AS event_type,
  CAST(event_reason AS TEXT) AS event_reason,
  CAST(effective_date AS DATE) AS effective_date,
  CAST((
    ROW_NUMBER() OVER (PARTITION BY simulation_year, employee_id ORDER BY effective_date, chain_order)
  ) AS INT) AS event_sequence,
  CAST(level_id AS INT) AS level_id,
  CAST(previous_level_id AS INT) AS previous_level_id,
  CAST(compensation_amount AS DECIMAL(14, 2)) AS compensation_amount,
  CAST(previous_compensation AS DECIMAL(14, 2)) AS previous_compensation,
  CAST(applied_rate AS DOUBLE) AS applied_rate,
  CAST(probability AS DOUBLE) AS probability,
  CAST(draw AS DOUBLE) AS draw
FROM events
