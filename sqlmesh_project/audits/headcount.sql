AUDIT (
  name headcount_balances
);

/* Invariant 1: opening + hires - terminations = closing. */
SELECT
  *
FROM @this_model
WHERE
  opening_headcount + hires - terminations <> headcount
  OR terminations <> experienced_terminations + new_hire_terminations + reductions;

AUDIT (
  name closing_opens_the_next_year
);

/* Invariant 2: closing(y) = opening(y + 1), as id sets. */
WITH numbered AS (
  SELECT
    employee_id,
    employment_status,
    DENSE_RANK() OVER (ORDER BY simulation_year) AS place
  FROM @this_model
), last_year AS (
  SELECT
    MAX(place) AS place
  FROM numbered
), closing AS (
  SELECT
    numbered.employee_id,
    numbered.place + 1 AS place
  FROM numbered
  CROSS JOIN last_year
  WHERE
    numbered.employment_status IN ('continuous_active', 'new_hire_active')
    AND numbered.place < last_year.place
), opening AS (
  SELECT
    employee_id,
    place
  FROM numbered
  WHERE
    employment_status IN ('continuous_active', 'experienced_termination') AND place > 1
)
SELECT
  COALESCE(closing.employee_id, opening.employee_id) AS employee_id,
  COALESCE(closing.place, opening.place) AS place
FROM closing
FULL OUTER JOIN opening
  ON opening.employee_id = closing.employee_id AND opening.place = closing.place
WHERE
  closing.employee_id IS NULL OR opening.employee_id IS NULL;

AUDIT (
  name closing_is_the_target
);

/* Invariant 3: closing = the target headcount, from the closing of the year before. */
WITH counted AS (
  SELECT
    simulation_year,
    COUNT(CASE WHEN employment_status IN ('continuous_active', 'new_hire_active') THEN 1 END) AS headcount,
    COUNT(CASE WHEN employment_status IN ('continuous_active', 'experienced_termination') THEN 1 END) AS opening_headcount
  FROM @this_model
  GROUP BY
    simulation_year
), targets AS (
  SELECT
    simulation_year,
    growth,
    LAG(simulation_year, 1, 0) OVER (ORDER BY simulation_year) AS previous_year
  FROM @target_growth_rows() AS declared
), compared AS (
  SELECT
    targets.simulation_year,
    COALESCE(counted.headcount, 0) AS headcount,
    COALESCE(counted.opening_headcount, 0) AS opening_headcount,
    COALESCE(opening.headcount, 0) AS previous_headcount,
    ROUND(COALESCE(opening.headcount, 0) * (
      1 + CAST(targets.growth AS DECIMAL(9, 6))
    ), 0) AS target_headcount
  FROM targets
  LEFT JOIN counted
    ON counted.simulation_year = targets.simulation_year
  LEFT JOIN counted AS opening
    ON opening.simulation_year = targets.previous_year
)
SELECT
  *
FROM compared
WHERE
  headcount <> target_headcount OR opening_headcount <> previous_headcount
