MODEL (
  name enrichment.int_exact_@matching,
  kind FULL,
  blueprints @matchings(),
  grain record,
  description 'One row per record that an identifier or its normalised name links: the first step of the cascade that does.',
  column_descriptions (
    record = 'Number of the record',
    right_row = 'Row of the reference; of several the one in the same place, spelled the same, or first',
    method = 'Step of the cascade: an identifier, or name-exact',
    place = 'Agreement of places: 2 city or zip code, 1 state, 0 unknown, -2 another state',
    is_unique = 'No other identifier fits as well'
  )
);

WITH open_rows AS (
  SELECT
    *
  FROM enrichment.stg_left_@matching
  WHERE
    record > 0
), same AS (
  @same_identifiers(@matching)
  UNION ALL
  SELECT
    l.record,
    r.right_row,
    9 AS step,
    'name-exact' AS method
  FROM open_rows AS l
  JOIN enrichment.stg_right_@matching AS r
    ON l.normal_name = r.normal_name
  WHERE
    l.normal_name <> ''
), compared AS (
  SELECT
    same.record,
    same.right_row,
    same.step,
    same.method,
    r.normal_name = l.normal_name AS has_name,
    UPPER(r.name) = UPPER(l.name) AS is_spelled_same,
    @same_place(l, r) AS place,
    @first_identifier(@matching, r) AS identifier,
    LENGTH(l.compact) AS letters
  FROM same
  JOIN open_rows AS l
    ON l.record = same.record
  JOIN enrichment.stg_right_@matching AS r
    ON r.right_row = same.right_row
), ranked AS (
  SELECT
    *,
    RANK() OVER (PARTITION BY record ORDER BY step, has_name DESC, place DESC) AS tie,
    ROW_NUMBER() OVER (PARTITION BY record ORDER BY step, has_name DESC, place DESC, is_spelled_same DESC, right_row) AS rank
  FROM compared
  WHERE
    step < 9 OR letters > 1 OR place = 2
), ties AS (
  SELECT
    record,
    COUNT(DISTINCT identifier) AS identifiers
  FROM ranked
  WHERE
    tie = 1
  GROUP BY
    record
)
SELECT
  ranked.record,
  ranked.right_row,
  ranked.method,
  CAST(ranked.place AS INT) AS place,
  ties.identifiers <= 1 AS is_unique
FROM ranked
JOIN ties
  ON ties.record = ranked.record
WHERE
  ranked.rank = 1
