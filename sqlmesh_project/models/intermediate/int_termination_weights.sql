MODEL (
  name intermediate.int_termination_weights,
  kind FULL,
  owner workforce_planning,
  tags (intermediate, dynamics),
  grain weight,
  description 'One row per relative likelihood to leave among the people of the census, in the first simulated year.',
  column_descriptions (
    weight = 'Product of the multipliers of tenure, age, level, department and job title',
    people = 'People with this likelihood'
  ),
  audits (unique_values(columns := (
      weight
    )), not_null(columns := (
      weight
  )))
);

WITH exposed AS (
  SELECT
    level_id,
    exit_factor,
    tenure_curve * 1000 + LEAST(@completed_years(hire_date, @first_year_start()), 60) AS curve_key,
    CASE
      WHEN birth_date IS NULL
      THEN -1
      ELSE GREATEST(LEAST(@completed_years(birth_date, @first_year_start()), 110), 0)
    END AS age_key
  FROM intermediate.int_baseline_workforce
), weighted AS (
  SELECT
    CAST(CAST(leave_tenure.multiplier AS DOUBLE) * leave_age.multiplier * leave_level.multiplier * exposed.exit_factor AS DECIMAL(15, 8)) AS weight
  FROM exposed
  INNER JOIN intermediate.int_hazard_termination AS leave_tenure
    ON leave_tenure.dimension = 'tenure' AND leave_tenure.key = exposed.curve_key
  INNER JOIN intermediate.int_hazard_termination AS leave_age
    ON leave_age.dimension = 'age' AND leave_age.key = exposed.age_key
  INNER JOIN intermediate.int_hazard_termination AS leave_level
    ON leave_level.dimension = 'level' AND leave_level.key = exposed.level_id
)
SELECT
  CAST(weight AS DECIMAL(15, 8)) AS weight,
  CAST(COUNT(*) AS BIGINT) AS people
FROM weighted
GROUP BY
  weight
