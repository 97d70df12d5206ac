MODEL (
  name intermediate.int_pay_basis_@year,
  kind FULL,
  blueprints @pay_basis_years(),
  grain employee_id,
  description 'One row per person employed in the year: what raises are due, and the days between them; no rate yet.',
  column_descriptions (
    simulation_year = 'Simulated year',
    level_id = 'Level at year end, or at exit',
    left_level_id = 'Level before a promotion; the level when there was none',
    merit_level_id = 'Level on the merit date',
    first_day = 'First day employed in the year',
    last_day = 'Last day employed in the year',
    days_0 = 'Days employed before the first raise date',
    days_1 = 'Days employed from the first to the second raise date',
    days_2 = 'Days employed from the second to the third raise date',
    days_3 = 'Days employed from the third raise date',
    cola_due = 'Employed on the COLA date',
    promotion_due = 'Promoted in the year',
    merit_due = 'Employed on the merit date, with the service it takes',
    performance_multiplier = 'Relative merit of the performance rating',
    tenure_band = 'Band of tenure at year end or exit: 1 = under 1 year, 2 = 1 to 2, 3 = 3 to 5, 4 = 6 to 10, 5 = over 10'
  )
);

WITH workforce AS (
  SELECT
    *,
    COALESCE(opening_level_id, level_id) AS left_level_id,
    GREATEST(hire_date, CAST(@year_start AS DATE)) AS first_day,
    COALESCE(termination_date, CAST(@year_end AS DATE)) AS last_day
  FROM intermediate.int_workforce_@year
)
SELECT
  workforce.simulation_year::INT AS simulation_year,
  workforce.employee_id::TEXT AS employee_id,
  workforce.is_hire::BOOLEAN AS is_hire,
  workforce.is_active::BOOLEAN AS is_active,
  workforce.gender::TEXT AS gender,
  workforce.ethnicity::TEXT AS ethnicity,
  workforce.department::TEXT AS department,
  workforce.level_id::INT AS level_id,
  workforce.left_level_id::INT AS left_level_id,
  CASE
    WHEN CAST(@promotion_date AS DATE) <= CAST(@merit_date AS DATE)
    THEN workforce.level_id
    ELSE workforce.left_level_id
  END::INT AS merit_level_id,
  workforce.fte::DECIMAL(5, 4) AS fte,
  workforce.range_position_draw::DOUBLE AS range_position_draw,
  workforce.first_day::DATE AS first_day,
  workforce.last_day::DATE AS last_day,
  @days_employed(workforce.first_day, workforce.last_day, @year_start, @first_raise_date)::SMALLINT AS days_0,
  @days_employed(workforce.first_day, workforce.last_day, @first_raise_date, @second_raise_date)::SMALLINT AS days_1,
  @days_employed(workforce.first_day, workforce.last_day, @second_raise_date, @third_raise_date)::SMALLINT AS days_2,
  @days_employed(workforce.first_day, workforce.last_day, @third_raise_date, NULL)::SMALLINT AS days_3,
  (
    workforce.hire_date <= CAST(@cola_date AS DATE) AND workforce.last_day >= CAST(@cola_date AS DATE)
  )::BOOLEAN AS cola_due,
  (
    NOT workforce.promotion_date IS NULL
  )::BOOLEAN AS promotion_due,
  (
    workforce.hire_date <= CAST(@merit_hired_by AS DATE) AND workforce.last_day >= CAST(@merit_date AS DATE)
  )::BOOLEAN AS merit_due,
  matrix.performance_multiplier::DECIMAL(9, 6) AS performance_multiplier,
  matrix.below_range::DECIMAL(9, 6) AS below_range,
  matrix.quartile_1::DECIMAL(9, 6) AS quartile_1,
  matrix.quartile_2::DECIMAL(9, 6) AS quartile_2,
  matrix.quartile_3::DECIMAL(9, 6) AS quartile_3,
  matrix.quartile_4::DECIMAL(9, 6) AS quartile_4,
  matrix.above_range::DECIMAL(9, 6) AS above_range,
  CASE
    WHEN workforce.last_day - workforce.hire_date < 365.25
    THEN 1
    WHEN workforce.last_day - workforce.hire_date < 3 * 365.25
    THEN 2
    WHEN workforce.last_day - workforce.hire_date < 6 * 365.25
    THEN 3
    WHEN workforce.last_day - workforce.hire_date < 11 * 365.25
    THEN 4
    ELSE 5
  END::INT AS tenure_band
FROM workforce
INNER JOIN staging.stg_merit_matrix AS matrix
  ON matrix.performance_rating = workforce.performance_rating
