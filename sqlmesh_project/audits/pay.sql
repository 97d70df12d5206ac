AUDIT (
  name pay_never_falls
);

/* Invariant 8: no decision lowers pay; what drifts without one may. */
SELECT
  simulation_year,
  employee_id,
  starting_pay,
  cola_pay,
  promotion_pay,
  merit_pay,
  base_pay
FROM intermediate.int_pay
WHERE
  base_pay < starting_pay
  AND COALESCE(drift_rate, 0) >= 0
  OR cola_pay < cola_previous
  OR promotion_pay < promotion_previous
  OR merit_pay < merit_previous
  OR lump_sum < 0;

AUDIT (
  name prorated_is_replayed
);

/* Invariant 7: prorated = sum of period pay x days / days in year: every raise earns its increase from its own date
   to the last day, whatever the order of the chain. */
WITH dated AS (
  SELECT
    *,
    CAST(CAST(simulation_year AS TEXT) || '-01-01' AS DATE) AS year_start,
    CAST(CAST(simulation_year AS TEXT) || '-12-31' AS DATE) AS year_end,
    CAST(CAST(simulation_year AS TEXT) || '-' || @cola_day AS DATE) AS cola_date,
    CAST(CAST(simulation_year AS TEXT) || '-' || @promotion_day AS DATE) AS promotion_date,
    CAST(CAST(simulation_year AS TEXT) || '-' || @merit_day AS DATE) AS merit_date
  FROM intermediate.int_pay
), replayed AS (
  SELECT
    simulation_year,
    employee_id,
    prorated_pay,
    (
      CAST(starting_pay AS DOUBLE) * (
        last_day - first_day + 1
      ) + COALESCE(CAST(cola_pay - cola_previous AS DOUBLE), 0) * (
        last_day - cola_date + 1
      ) + COALESCE(CAST(drift_pay - drift_previous AS DOUBLE), 0) * (
        last_day - cola_date + 1
      ) + COALESCE(CAST(promotion_pay - promotion_previous AS DOUBLE), 0) * (
        last_day - promotion_date + 1
      ) + COALESCE(CAST(merit_pay - merit_previous AS DOUBLE), 0) * (
        last_day - merit_date + 1
      )
    ) * CAST(fte AS DOUBLE) / (
      year_end - year_start + 1
    ) AS replayed_pay
  FROM dated
)
SELECT
  *
FROM replayed
WHERE
  ABS(CAST(prorated_pay AS DOUBLE) - replayed_pay) > 0.006;

AUDIT (
  name compensation_chains
);

/* Invariant 6: each event finds the pay that the event before it left, across years, from the opening or the hire. */
WITH chained AS (
  SELECT
    event_id,
    event_type,
    previous_compensation,
    compensation_amount,
    LAG(compensation_amount) OVER (PARTITION BY employee_id ORDER BY simulation_year, event_sequence) AS left_by_the_last
  FROM @this_model
)
SELECT
  *
FROM chained
WHERE
  left_by_the_last <> previous_compensation
  OR event_type <> 'HIRE'
  AND previous_compensation IS NULL
  OR event_type = 'HIRE'
  AND NOT left_by_the_last IS NULL;

AUDIT (
  name pay_is_the_replay_of_events
);

/* Invariant 6: year-end pay = the replay of the events on the opening pay. */
WITH deltas AS (
  SELECT
    simulation_year,
    employee_id,
    SUM(compensation_amount - COALESCE(previous_compensation, 0)) AS delta
  FROM @this_model
  GROUP BY
    simulation_year,
    employee_id
)
SELECT
  pay.simulation_year,
  pay.employee_id,
  pay.starting_pay,
  pay.base_pay,
  deltas.delta
FROM intermediate.int_pay AS pay
LEFT JOIN deltas
  ON deltas.simulation_year = pay.simulation_year AND deltas.employee_id = pay.employee_id
WHERE
  pay.base_pay <> CASE WHEN pay.is_hire THEN 0 ELSE pay.starting_pay END + COALESCE(deltas.delta, 0);

AUDIT (
  name levels_change_by_promotion_only
);

/* Invariant 8: level changes only by promotion, by one. */
WITH chained AS (
  SELECT
    event_id,
    event_type,
    level_id,
    previous_level_id,
    LAG(level_id) OVER (PARTITION BY employee_id ORDER BY simulation_year, event_sequence) AS last_level_id
  FROM @this_model
)
SELECT
  *
FROM chained
WHERE
  last_level_id <> previous_level_id
  OR event_type = 'PROMOTION'
  AND level_id <> previous_level_id + 1
  OR event_type IN ('RAISE', 'TERMINATION')
  AND level_id <> previous_level_id;

AUDIT (
  name market_has_reference_or_reason
);

/* A job title has what the market pays for it, or the reason why not; its percentiles rise. */
SELECT
  *
FROM @this_model
WHERE
  (
    market_median IS NULL
  ) = (
    market_reason IS NULL
  )
  OR market_median <= 0
  OR market_p10 > market_p25
  OR market_p25 > market_p50
  OR market_p50 > market_p75
  OR market_p75 > market_p90;

AUDIT (
  name market_groups_count_everyone
);

/* Each attribute's groups have the people, matched people and ratios of the whole workforce. */
SELECT
  groups.simulation_year,
  groups.attribute
FROM @this_model AS groups
INNER JOIN @this_model AS everyone
  ON everyone.simulation_year = groups.simulation_year AND everyone.attribute = 'all'
GROUP BY
  groups.simulation_year,
  groups.attribute,
  everyone.headcount,
  everyone.market_people,
  everyone.mean_market_ratio
HAVING
  SUM(groups.headcount) <> everyone.headcount
  OR SUM(groups.market_people) <> everyone.market_people
  OR ABS(
    SUM(groups.market_people * groups.mean_market_ratio) - everyone.market_people * everyone.mean_market_ratio
  ) > 0.001
