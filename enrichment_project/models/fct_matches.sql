MODEL (
  name enrichment.fct_matches_@matching,
  kind FULL,
  blueprints @matchings(),
  grain record,
  description 'One row per record: linked, for review or unmatched; by which method, to what, and what else came near.',
  column_descriptions (
    record = 'Number of the record',
    status = 'linked, review or unmatched',
    method = 'An identifier, name-exact or name-fuzzy; decision when a person decided; null when unmatched',
    score = 'Score from 0 to 1; 1 for identifiers, exact names and decisions',
    matched_row = 'Row of the reference; null when unmatched',
    runner_up_row = 'Row of the second best; null without any',
    runner_up_score = 'Score of the second best',
    candidates = 'Up to five rows of the reference with their scores, best first'
  )
);

WITH chunk AS (
  SELECT
    lefts.*
  FROM enrichment.stg_left_@matching AS lefts
  SEMI JOIN input.chunk_@matching AS chunk
    ON chunk.record = lefts.record
), decided AS (
  SELECT
    chunk.record,
    ARG_MIN(decisions.matched_row, decisions.record) AS matched_row,
    ARG_MIN(decisions.is_no_match, decisions.record) AS is_no_match
  FROM chunk
  JOIN enrichment.stg_left_@matching AS names
    ON names.record < 0
    AND names.normal_name = chunk.normal_name
    AND names.city IS NOT DISTINCT FROM chunk.city
    AND names.state IS NOT DISTINCT FROM chunk.state
  JOIN input.decisions_@matching AS decisions
    ON decisions.record = names.record
  WHERE
    decisions.is_no_match OR NOT decisions.matched_row IS NULL
  GROUP BY
    chunk.record
), pairs AS (
  SELECT
    pairs.*,
    r.firm,
    ROW_NUMBER() OVER (PARTITION BY pairs.record ORDER BY pairs.score DESC, pairs.right_row) AS rank
  FROM enrichment.int_pairs_@matching AS pairs
  JOIN enrichment.int_candidates_@matching AS r
    ON r.right_row = pairs.right_row
), firms AS (
  SELECT
    record,
    firm,
    ARG_MIN(right_row, rank) AS right_row,
    BOOL_OR(CAST(is_same AS BOOLEAN)) AS is_same,
    MAX(CASE WHEN is_same_role THEN score ELSE 0 END) / 10000.0 AS name_score,
    @combined_score(@votes, score) AS score
  FROM pairs
  WHERE
    rank <= 60
  GROUP BY
    record,
    firm
), ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY record ORDER BY is_same DESC, score DESC, right_row) AS rank
  FROM firms
), best AS (
  SELECT
    record,
    MAX(CASE WHEN rank = 1 THEN right_row END) AS right_row,
    MAX(CASE WHEN rank = 1 THEN score END) AS score,
    MAX(CASE WHEN rank = 1 THEN name_score END) AS name_score,
    BOOL_OR(CAST(rank = 1 AND is_same AS BOOLEAN)) AS is_same,
    MAX(CASE WHEN rank = 2 THEN right_row END) AS runner_up_row,
    MAX(CASE WHEN rank = 2 THEN score END) AS runner_up_score,
    BOOL_OR(CAST(rank = 2 AND is_same AS BOOLEAN)) AS is_tie,
    ARRAY_AGG({'right_row': right_row, 'score': score} ORDER BY rank) AS candidates
  FROM ranked
  WHERE
    rank <= 5
  GROUP BY
    record
), judged AS (
  SELECT
    chunk.record,
    NOT decided.record IS NULL AS is_decided,
    exact.is_unique AS is_exact,
    CASE
      WHEN NOT decided.record IS NULL
      THEN CASE WHEN decided.is_no_match THEN 'unmatched' ELSE 'linked' END
      WHEN exact.is_unique
      THEN 'linked'
      WHEN best.score >= @link
      AND best.name_score >= @link_name
      AND best.score - COALESCE(best.runner_up_score, 0.0) >= @margin
      THEN 'linked'
      WHEN best.score >= @review OR NOT exact.record IS NULL
      THEN 'review'
      ELSE 'unmatched'
    END AS status,
    CASE
      WHEN NOT decided.record IS NULL
      THEN 'decision'
      WHEN exact.is_unique
      THEN exact.method
      WHEN best.is_same
      THEN 'name-exact'
      WHEN NOT best.record IS NULL
      THEN 'name-fuzzy'
      ELSE exact.method
    END AS method,
    CASE
      WHEN NOT decided.record IS NULL
      THEN decided.matched_row
      WHEN exact.is_unique
      THEN exact.right_row
      ELSE COALESCE(best.right_row, exact.right_row)
    END AS matched_row,
    CASE WHEN NOT decided.record IS NULL OR exact.is_unique THEN 1.0 ELSE best.score END AS score,
    best.runner_up_row,
    best.runner_up_score,
    best.candidates
  FROM chunk
  LEFT JOIN decided
    ON decided.record = chunk.record
  LEFT JOIN enrichment.int_exact_@matching AS exact
    ON exact.record = chunk.record
  LEFT JOIN best
    ON best.record = chunk.record
)
SELECT
  record,
  status,
  CASE WHEN status <> 'unmatched' OR is_decided THEN method END AS method,
  CAST(score AS DOUBLE) AS score,
  CASE WHEN status <> 'unmatched' THEN matched_row END AS matched_row,
  runner_up_row,
  CAST(runner_up_score AS DOUBLE) AS runner_up_score,
  candidates
FROM judged
