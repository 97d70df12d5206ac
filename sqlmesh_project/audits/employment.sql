AUDIT (
  name hires_and_exits_within_the_year
);

/* Invariant 5, on the workforce: no exit is before the hire, and all dates are in the year. */
SELECT
  simulation_year,
  employee_id,
  hire_date,
  termination_date,
  promotion_date
FROM intermediate.int_workforce
WHERE
  termination_date < hire_date
  OR EXTRACT(YEAR FROM termination_date) <> simulation_year
  OR EXTRACT(YEAR FROM promotion_date) <> simulation_year
  OR is_hire
  AND EXTRACT(YEAR FROM hire_date) <> simulation_year
  OR promotion_date < hire_date
  OR promotion_date > termination_date
  OR NOT promotion_date IS NULL
  AND level_id <> opening_level_id + 1
  OR promotion_date IS NULL
  AND level_id <> opening_level_id;

AUDIT (
  name one_hire_one_termination
);

/* Invariant 4: at most one hire and one termination per person. */
SELECT
  employee_id,
  event_type,
  COUNT(*) AS events
FROM @this_model
WHERE
  event_type IN ('HIRE', 'TERMINATION')
GROUP BY
  employee_id,
  event_type
HAVING
  COUNT(*) > 1;

AUDIT (
  name events_within_employment
);

/* Invariant 5, on the log: no event before hire or after exit. */
SELECT
  events.event_id,
  events.effective_date,
  workforce.hire_date,
  workforce.termination_date
FROM @this_model AS events
INNER JOIN intermediate.int_workforce AS workforce
  ON workforce.simulation_year = events.simulation_year AND workforce.employee_id = events.employee_id
WHERE
  events.effective_date < workforce.hire_date
  OR events.effective_date > workforce.termination_date
  OR EXTRACT(YEAR FROM events.effective_date) <> events.simulation_year
