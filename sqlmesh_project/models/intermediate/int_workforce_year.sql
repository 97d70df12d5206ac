/* No audits: those of the marts cover every year at once, and a study's trials run this model without them. */
MODEL (
  name intermediate.int_workforce_@year,
  kind FULL,
  owner workforce_planning,
  tags (intermediate, dynamics),
  blueprints @dynamics_years(),
  grain employee_id,
  description 'One row per person employed in the year: who left, joined and was promoted, with the draw that decided it.',
  column_descriptions (
    simulation_year = 'Simulated year',
    employee_id = 'Census id, or NEW-<year>-<slot> for a simulated hire',
    birth_date = 'Date of birth; null when the census has none',
    is_hire = 'Hired in this year',
    opening_level_id = 'Level at the opening; null for hires',
    level_id = 'Level at year end, or at exit',
    termination_date = 'Last day employed; null when still employed at year end',
    termination_reason = 'voluntary, new_hire or reduction',
    promotion_date = 'Effective date of the promotion; null when not promoted',
    range_position_draw = 'Uniform draw that places a hire''s pay in the range, where it copies none; hires only',
    entry_pay = 'Pay in the census of the person that a hire copies; hires only',
    exit_factor = 'Likelihood to leave that department and job title make',
    tenure_curve = 'Number of the department''s own tenure curve; 0 = everybody''s',
    termination_probability = 'Probability that the termination draw is compared with',
    termination_draw = 'Uniform draw that decided the exit',
    promotion_probability = 'Probability of promotion; null when not eligible',
    promotion_draw = 'Uniform draw that decided the promotion',
    is_active = 'Employed at year end'
  ),
  ignored_rules ["nomissingaudits"]
);

WITH opening AS (
  SELECT
    *
  FROM intermediate.@opening_workforce
  WHERE
    is_active
), top_level AS (
  SELECT
    MAX(level_id) AS level_id
  FROM staging.stg_job_levels
), exposed AS (
  SELECT
    employee_id,
    job_title,
    department,
    gender,
    ethnicity,
    job_family,
    location,
    manager_id,
    birth_date,
    hire_date,
    fte,
    performance_rating,
    level_id,
    exit_factor,
    tenure_curve,
    LEAST(@completed_years(hire_date, @year_start), 60) AS tenure_key,
    CASE
      WHEN birth_date IS NULL
      THEN -1
      ELSE GREATEST(LEAST(@completed_years(birth_date, @year_start), 110), 0)
    END AS age_key,
    @draw_block(@seed, @year, employee_id, person) AS digest
  FROM opening
), hazard_digests AS (
  SELECT
    dimension,
    key,
    multiplier,
    @draw_block(@seed, 0, dimension || ' ' || CAST(band AS TEXT), relative_exits) AS digest
  FROM intermediate.int_hazard_termination
), leaving AS (
  /* how far a band's or a level's exits may be from what is stated, the same in all years; 1 but in a world */
  SELECT
    dimension,
    key,
    multiplier,
    COALESCE(
      EXP(
        CASE dimension
          WHEN 'tenure'
          THEN CAST(@exits_vary_by_tenure AS DOUBLE)
          WHEN 'level'
          THEN CAST(@exits_vary_by_level AS DOUBLE)
          ELSE 0
        END * @normal_draw(digest)
      ),
      1
    ) AS deviation
  FROM hazard_digests
), departments AS (
  SELECT
    department,
    @draw_block(@seed, 0, 'department ' || CAST(department AS TEXT), relative_exits) AS digest
  FROM (
    SELECT DISTINCT
      department
    FROM opening
    WHERE
      NOT department IS NULL
  ) AS named
), leaving_departments AS (
  SELECT
    department,
    EXP(CAST(@exits_vary_by_department AS DOUBLE) * @normal_draw(digest)) AS deviation
  FROM departments
), weighted AS (
  SELECT
    exposed.*,
    @draw(exposed.digest, termination) AS termination_draw,
    @draw(exposed.digest, termination_date) AS termination_date_draw,
    @draw(exposed.digest, promotion) AS promotion_draw,
    @draw(exposed.digest, reduction) AS reduction_draw,
    CAST(CAST(leave_tenure.multiplier AS DOUBLE) * leave_age.multiplier * leave_level.multiplier * exposed.exit_factor AS DECIMAL(15, 8)) AS termination_weight,
    leave_tenure.deviation * leave_level.deviation * COALESCE(leave_department.deviation, 1) AS exit_deviation,
    CAST(CAST(rise_tenure.multiplier AS DOUBLE) * rise_age.multiplier AS DECIMAL(15, 8)) AS promotion_weight
  FROM exposed
  INNER JOIN leaving AS leave_tenure
    ON leave_tenure.dimension = 'tenure'
    AND leave_tenure.key = exposed.tenure_curve * 1000 + exposed.tenure_key
  INNER JOIN leaving AS leave_age
    ON leave_age.dimension = 'age' AND leave_age.key = exposed.age_key
  INNER JOIN leaving AS leave_level
    ON leave_level.dimension = 'level' AND leave_level.key = exposed.level_id
  LEFT JOIN leaving_departments AS leave_department
    ON leave_department.department = exposed.department
  INNER JOIN intermediate.int_hazard_promotion AS rise_tenure
    ON rise_tenure.dimension = 'tenure' AND rise_tenure.key = exposed.tenure_key
  INNER JOIN intermediate.int_hazard_promotion AS rise_age
    ON rise_age.dimension = 'age' AND rise_age.key = exposed.age_key
), termination_cells AS (
  /* the census sets the scale of the rate, so that in later years composition acts; or the year, of its own rate */
  SELECT
    weight,
    CAST(people AS DECIMAL(20, 0)) AS people
  FROM intermediate.int_termination_weights
  WHERE
    NOT @rate_is_stated
  UNION ALL
  SELECT
    termination_weight AS weight,
    CAST(COUNT(*) AS DECIMAL(20, 0)) AS people
  FROM weighted
  WHERE
    @rate_is_stated
  GROUP BY
    termination_weight
), termination_filled AS (
  /* the probability is scale x weight, at most 1; for each cell, the scale if just the heavier cells were certain */
  SELECT
    weight,
    CAST(SUM(people) OVER () * CAST(@termination_rate AS DECIMAL(9, 6)) - COALESCE(SUM(people) OVER (ORDER BY weight DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS DOUBLE) / CAST(SUM(people * weight) OVER (ORDER BY weight ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS DOUBLE) AS scale
  FROM termination_cells
), termination_scale AS (
  /* no such scale: every employee leaves */
  SELECT
    MAX(CASE WHEN scale * weight <= 1 AND CAST(@termination_rate AS DECIMAL(9, 6)) < 1 THEN scale END) AS scale
  FROM termination_filled
), exit_balance AS (
  /* deviations move who leaves, not how many: their mean, weighted by the likelihood to leave, is 1; summed as whole numbers, which has no order */
  SELECT
    CAST(SUM(CAST(ROUND(CAST(termination_weight AS DOUBLE) * 1000000000, 0) AS BIGINT)) AS DOUBLE) / CAST(NULLIF(SUM(CAST(ROUND(CAST(termination_weight AS DOUBLE) * exit_deviation * 1000000000, 0) AS BIGINT)), 0) AS DOUBLE) AS factor
  FROM weighted
), exposed_to_exit AS (
  SELECT
    weighted.*,
    LEAST(
      CASE
        WHEN termination_scale.scale IS NULL
        THEN 1
        ELSE LEAST(termination_scale.scale * weighted.termination_weight, 1)
      END * CAST(CASE weighted.level_id
        WHEN 1
        THEN @pay_response_level_1
        WHEN 2
        THEN @pay_response_level_2
        WHEN 3
        THEN @pay_response_level_3
        WHEN 4
        THEN @pay_response_level_4
        ELSE @pay_response_level_5
      END AS DOUBLE) * weighted.exit_deviation * exit_balance.factor,
      1
    ) AS termination_probability
  FROM weighted
  CROSS JOIN termination_scale
  CROSS JOIN exit_balance
), headcounts AS (
  SELECT
    COUNT(*) AS opening_headcount,
    COUNT(CASE WHEN termination_draw >= termination_probability THEN 1 END) AS survivors
  FROM exposed_to_exit
), sized AS (
  SELECT
    CAST(ROUND(opening_headcount * (
      1 + CAST(@headcount_growth AS DECIMAL(9, 6))
    ), 0) AS BIGINT) - survivors AS need
  FROM headcounts
), plan AS (
  /* enough hires that, after the new hires who leave again, the closing headcount is the target */
  SELECT
    GREATEST(-need, 0) AS reductions,
    CASE
      WHEN need > 0
      THEN CAST(CEIL(ROUND(need / (
        1 - CAST(@new_hire_exit_share AS DOUBLE)
      ), 9)) AS BIGINT)
      ELSE 0
    END AS hires,
    GREATEST(need, 0) AS hires_that_stay
  FROM sized
), reduced AS (
  SELECT
    ranked.employee_id
  FROM (
    SELECT
      exposed_to_exit.employee_id,
      plan.reductions,
      ROW_NUMBER() OVER (ORDER BY exposed_to_exit.reduction_draw, exposed_to_exit.employee_id) AS place
    FROM exposed_to_exit
    CROSS JOIN plan
    WHERE
      plan.reductions > 0 AND exposed_to_exit.termination_draw >= exposed_to_exit.termination_probability
  ) AS ranked
  WHERE
    ranked.place <= ranked.reductions
), staffed AS (
  SELECT
    exposed_to_exit.*,
    CASE
      WHEN exposed_to_exit.termination_draw < exposed_to_exit.termination_probability
      THEN 'voluntary'
      WHEN NOT reduced.employee_id IS NULL
      THEN 'reduction'
    END AS termination_reason,
    CAST(@year_start AS DATE) + CAST(FLOOR(exposed_to_exit.termination_date_draw * @days_in_year) AS INT) AS exit_date
  FROM exposed_to_exit
  LEFT JOIN reduced
    ON reduced.employee_id = exposed_to_exit.employee_id
), candidates AS (
  SELECT
    staffed.*,
    CASE WHEN NOT termination_reason IS NULL THEN exit_date END AS termination_date,
    staffed.level_id < top_level.level_id
    AND staffed.hire_date <= CAST(@promotion_hired_by AS DATE)
    AND (
      termination_reason IS NULL OR exit_date >= CAST(@promotion_date AS DATE)
    ) AS promotion_eligible,
    CAST(CASE staffed.level_id
      WHEN 1
      THEN @promotion_probability_level_1
      WHEN 2
      THEN @promotion_probability_level_2
      WHEN 3
      THEN @promotion_probability_level_3
      WHEN 4
      THEN @promotion_probability_level_4
      ELSE 0
    END AS DECIMAL(9, 6)) AS promotion_rate
  FROM staffed
  CROSS JOIN top_level
), promotion_cells AS (
  SELECT
    level_id,
    promotion_rate,
    promotion_weight AS weight,
    CAST(COUNT(*) AS DECIMAL(20, 0)) AS people
  FROM candidates
  WHERE
    promotion_eligible
  GROUP BY
    level_id,
    promotion_rate,
    promotion_weight
), promotion_filled AS (
  SELECT
    level_id,
    weight,
    CAST(SUM(people) OVER (PARTITION BY level_id) * promotion_rate - COALESCE(
      SUM(people) OVER (PARTITION BY level_id ORDER BY weight DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
      0
    ) AS DOUBLE) / CAST(SUM(people * weight) OVER (PARTITION BY level_id ORDER BY weight ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS DOUBLE) AS scale
  FROM promotion_cells
), promotion_scale AS (
  SELECT
    level_id,
    MAX(CASE WHEN scale * weight <= 1 THEN scale END) AS scale
  FROM promotion_filled
  GROUP BY
    level_id
), considered AS (
  SELECT
    candidates.*,
    CASE
      WHEN NOT candidates.promotion_eligible
      THEN NULL
      WHEN promotion_scale.scale IS NULL
      THEN 1
      ELSE LEAST(promotion_scale.scale * candidates.promotion_weight, 1)
    END AS promotion_probability
  FROM candidates
  LEFT JOIN promotion_scale
    ON promotion_scale.level_id = candidates.level_id
), experienced AS (
  SELECT
    employee_id,
    job_title,
    department,
    gender,
    ethnicity,
    job_family,
    location,
    manager_id,
    birth_date,
    hire_date,
    fte,
    performance_rating,
    FALSE AS is_hire,
    level_id AS opening_level_id,
    CASE WHEN promotion_draw < promotion_probability THEN level_id + 1 ELSE level_id END AS level_id,
    termination_date,
    termination_reason,
    CASE WHEN promotion_draw < promotion_probability THEN CAST(@promotion_date AS DATE) END AS promotion_date,
    CAST(NULL AS DOUBLE) AS range_position_draw,
    CAST(NULL AS DECIMAL(14, 2)) AS entry_pay,
    exit_factor,
    tenure_curve,
    termination_probability,
    CASE WHEN termination_reason = 'reduction' THEN reduction_draw ELSE termination_draw END AS termination_draw,
    promotion_probability,
    CASE WHEN promotion_eligible THEN promotion_draw END AS promotion_draw
  FROM considered
), slots AS (
  SELECT
    UNNEST(GENERATE_SERIES(1, hires)) AS slot
  FROM plan
), slot_keys AS (
  /* keyed by year and slot: one more leaver adds a slot and shifts no other person's draws */
  SELECT
    'NEW-' || CAST(@year AS TEXT) || '-' || LPAD(CAST(slot AS TEXT), 7, '0') AS employee_id
  FROM slots
), slot_draws AS (
  SELECT
    employee_id,
    @draw_block(@seed, @year, employee_id, hire_profile) AS profile_digest,
    @draw_block(@seed, @year, employee_id, hire_exit) AS exit_digest
  FROM slot_keys
), drawn AS (
  SELECT
    employee_id,
    @draw(profile_digest, level) AS level_draw,
    @draw(profile_digest, template) AS template_draw,
    @draw(profile_digest, range_position) AS range_position_draw,
    CAST(@year_start AS DATE) + CAST(FLOOR(@draw(profile_digest, hire_date) * @days_in_year) AS INT) AS hire_date,
    @draw(exit_digest, new_hire_termination) AS exit_draw,
    @draw(exit_digest, new_hire_termination_date) AS exit_date_draw
  FROM slot_draws
), profiled AS (
  SELECT
    drawn.*,
    profile.level_id,
    profile.job_title,
    profile.department,
    profile.gender,
    profile.ethnicity,
    profile.job_family,
    profile.location,
    profile.manager_id,
    profile.fte,
    profile.entry_pay,
    profile.exit_factor,
    profile.tenure_curve,
    drawn.hire_date - CAST(profile.age_at_hire_days AS INT) AS birth_date,
    CAST(@year_end AS DATE) - drawn.hire_date + 1 AS exposed_days,
    ROW_NUMBER() OVER (
      ORDER BY -LN(1 - drawn.exit_draw) / CAST((
        CAST(@year_end AS DATE) - drawn.hire_date + 1
      ) AS DOUBLE), drawn.employee_id
    ) AS exit_place /* by the smallest yearly hazard at which the hire leaves again within the year */
  FROM drawn
  INNER JOIN intermediate.int_hire_levels AS levels
    ON drawn.level_draw >= levels.share_from AND drawn.level_draw < levels.share_to
  INNER JOIN intermediate.int_hire_profile AS profile
    ON profile.level_id = levels.level_id
    AND profile.ordinal = 1 + CAST(FLOOR(drawn.template_draw * levels.templates) AS BIGINT)
), hired AS (
  SELECT
    profiled.employee_id,
    profiled.job_title,
    profiled.department,
    profiled.gender,
    profiled.ethnicity,
    profiled.job_family,
    profiled.location,
    profiled.manager_id,
    profiled.birth_date,
    profiled.hire_date,
    profiled.fte,
    3 AS performance_rating,
    TRUE AS is_hire,
    CAST(NULL AS INT) AS opening_level_id,
    profiled.level_id,
    CASE
      WHEN profiled.exit_place <= plan.hires - plan.hires_that_stay
      THEN profiled.hire_date + CAST(FLOOR(profiled.exit_date_draw * profiled.exposed_days) AS INT)
    END AS termination_date,
    CASE WHEN profiled.exit_place <= plan.hires - plan.hires_that_stay THEN 'new_hire' END AS termination_reason,
    CAST(NULL AS DATE) AS promotion_date,
    profiled.range_position_draw,
    profiled.entry_pay,
    profiled.exit_factor,
    profiled.tenure_curve,
    1 - POWER(1 - CAST(@new_hire_termination_rate AS DOUBLE), CAST(profiled.exposed_days AS DOUBLE) / @days_in_year) AS termination_probability,
    profiled.exit_draw AS termination_draw,
    CAST(NULL AS DOUBLE) AS promotion_probability,
    CAST(NULL AS DOUBLE) AS promotion_draw
  FROM profiled
  CROSS JOIN plan
), everyone AS (
  SELECT
    *
  FROM experienced
  UNION ALL
  SELECT
    *
  FROM hired
)
SELECT
  CAST(@year AS INT) AS simulation_year,
  CAST(employee_id AS TEXT) AS employee_id,
  CAST(job_title AS TEXT) AS job_title,
  CAST(department AS TEXT) AS department,
  CAST(gender AS TEXT) AS gender,
  CAST(ethnicity AS TEXT) AS ethnicity,
  CAST(job_family AS TEXT) AS job_family,
  CAST(location AS TEXT) AS location,
  CAST(manager_id AS TEXT) AS manager_id,
  CAST(birth_date AS DATE) AS birth_date,
  CAST(hire_date AS DATE) AS hire_date,
  CAST(fte AS DECIMAL(5, 4)) AS fte,
  CAST(performance_rating AS INT) AS performance_rating,
  CAST(is_hire AS BOOLEAN) AS is_hire,
  CAST(opening_level_id AS INT) AS opening_level_id,
  CAST(level_id AS INT) AS level_id,
  CAST(termination_date AS DATE) AS termination_date,
  CAST(termination_reason AS TEXT) AS termination_reason,
  CAST(promotion_date AS DATE) AS promotion_date,
  CAST(range_position_draw AS DOUBLE) AS range_position_draw,
  CAST(entry_pay AS DECIMAL(14, 2)) AS entry_pay,
  CAST(exit_factor AS DECIMAL(12, 6)) AS exit_factor,
  CAST(tenure_curve AS INT) AS tenure_curve,
  CAST(termination_probability AS DOUBLE) AS termination_probability,
  CAST(termination_draw AS DOUBLE) AS termination_draw,
  CAST(promotion_probability AS DOUBLE) AS promotion_probability,
  CAST(promotion_draw AS DOUBLE) AS promotion_draw,
  CAST((
    termination_date IS NULL
  ) AS BOOLEAN) AS is_active
FROM everyone
