AUDIT (
  name ranges_rise
);

/* Invariant 13: ranges rise with level, and may overlap; bands have neither gap nor overlap. */
SELECT
  *
FROM (
  SELECT
    level_id,
    minimum,
    midpoint,
    maximum,
    LEAD(level_id) OVER (ORDER BY level_id) AS next_level_id,
    LEAD(midpoint) OVER (ORDER BY level_id) AS next_midpoint
  FROM @this_model
) AS ranges
WHERE
  minimum >= maximum
  OR midpoint < minimum
  OR midpoint > maximum
  OR next_midpoint <= midpoint
  OR next_level_id <> level_id + 1;

AUDIT (
  name bands_without_gap_or_overlap
);

SELECT
  *
FROM (
  SELECT
    hazard,
    dimension,
    lower_bound,
    upper_bound,
    multiplier,
    LEAD(lower_bound) OVER (PARTITION BY hazard, dimension ORDER BY lower_bound) AS next_lower_bound
  FROM @this_model
) AS bands
WHERE
  multiplier <= 0
  OR upper_bound <= lower_bound
  OR next_lower_bound IS DISTINCT FROM upper_bound
  AND NOT (
    next_lower_bound IS NULL AND dimension = 'level'
  );

AUDIT (
  name shares_fill_the_unit
);

SELECT
  *
FROM (
  SELECT
    level_id,
    share_from,
    share_to,
    templates,
    LAG(share_to, 1, 0) OVER (ORDER BY level_id) AS previous_share_to,
    SUM(share) OVER () AS total
  FROM @this_model
) AS shares
WHERE
  share_from <> previous_share_to OR templates < 1 OR ABS(total - 1) > 1e-9;

AUDIT (
  name levels_known
);

SELECT
  workforce.employee_id,
  workforce.level_id
FROM @this_model AS workforce
LEFT JOIN staging.stg_job_levels AS levels
  ON levels.level_id = workforce.level_id
WHERE
  levels.level_id IS NULL
