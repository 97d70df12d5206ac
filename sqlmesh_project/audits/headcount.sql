/* Invariant 1: opening + hires - terminations = closing. */
AUDIT (
  name headcount_balances
);

SELECT
  *
FROM @this_model
WHERE
  opening_headcount + hires - terminations <> headcount
  OR terminations <> experienced_terminations + new_hire_terminations + reductions;

/* Invariant 2: closing(y) = opening(y + 1), as id sets. */
AUDIT (
  name closing_opens_the_next_year
);

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

/* Invariant 3: closing = the target headcount. */
AUDIT (
  name closing_is_the_target
);

SELECT
  closing.headcount,
  opening.headcount AS opening_headcount
FROM (
  SELECT
    COUNT(CASE WHEN is_active THEN 1 END) AS headcount,
    COUNT(CASE WHEN NOT is_hire THEN 1 END) AS carried
  FROM @this_model
) AS closing
CROSS JOIN (
  SELECT
    COUNT(*) AS headcount
  FROM intermediate.@opening_workforce
  WHERE
    is_active
) AS opening
WHERE
  closing.headcount <> ROUND(opening.headcount * (1 + CAST(@headcount_growth AS DECIMAL(9, 6))), 0)
  OR closing.carried <> opening.headcount
