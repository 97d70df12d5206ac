MODEL (
  name enrichment.int_pairs_@matching,
  kind FULL,
  blueprints @matchings(),
  grain (record, right_row),
  description 'One row per record that no exact step decides and candidate from a block, with what they share and the score of the pair.',
  column_descriptions (
    record = 'Number of the record',
    right_row = 'Row of the reference',
    is_same = 'The normalised names are the same',
    place = 'Agreement of places: 2 city or zip code, 1 state, 0 unknown, -2 another state',
    overlap = 'Weight of the shared words as a share of all words of both, 0 to 1',
    rare_words = 'How rare the rarest shared word is, times the covered share of the shorter name, 0 to 1',
    spelling = 'Jaro-Winkler similarity above 0.8, stretched to 0 to 1',
    is_same_role = 'The roles of the titles are the same, and the role is not all that the reference says; true for companies',
    conflict = 'Weight of the words that only one name has, the lesser of both sides, as a share of the shorter name',
    score = 'Score in ten-thousandths'
  )
);

WITH open_rows AS (
  SELECT
    lefts.*
  FROM enrichment.int_open_@matching AS lefts
  SEMI JOIN input.chunk_@matching AS chunk
    ON chunk.record = lefts.record
), found AS (
  SELECT DISTINCT
    blocks.record,
    rights.right_row
  FROM enrichment.int_left_blocks_@matching AS blocks
  SEMI JOIN open_rows
    ON open_rows.record = blocks.record
  JOIN enrichment.int_right_blocks_@matching AS rights
    ON rights.block = blocks.block
), candidate_words AS (
  SELECT
    rights.right_row,
    UNNEST(LIST_DISTINCT(STR_SPLIT(rights.stems, ' '))) AS word
  FROM enrichment.int_candidates_@matching AS rights
  SEMI JOIN found
    ON found.right_row = rights.right_row
), weighted_words AS (
  SELECT
    candidate_words.right_row,
    words.word,
    words.weight
  FROM candidate_words
  JOIN enrichment.int_words_@matching AS words
    ON words.word = candidate_words.word
), left_weights AS (
  SELECT
    record,
    SUM(weight) AS weight
  FROM enrichment.int_left_words_@matching
  GROUP BY
    record
), right_weights AS (
  SELECT
    right_row,
    SUM(weight) AS weight
  FROM weighted_words
  GROUP BY
    right_row
), sought AS MATERIALIZED (
  SELECT
    found.record,
    found.right_row,
    left_words.word,
    left_words.weight
  FROM found
  JOIN enrichment.int_left_words_@matching AS left_words
    ON left_words.record = found.record
), shared AS (
  SELECT
    sought.record,
    sought.right_row,
    SUM(sought.weight) AS weight,
    MAX(sought.weight) AS most
  FROM sought
  SEMI JOIN weighted_words
    ON weighted_words.right_row = sought.right_row AND weighted_words.word = sought.word
  GROUP BY
    sought.record,
    sought.right_row
), heaviest AS (
  SELECT
    MAX(most) AS weight
  FROM enrichment.int_words_@matching
), compared AS (
  SELECT
    found.record,
    found.right_row,
    l.normal_name = r.normal_name AS is_same,
    l.compact = r.compact
    OR (
      LENGTH(r.compact) >= 8 AND @without_glued(l.compact) = @without_glued(r.compact)
    ) AS is_same_compact,
    CASE WHEN @spelling_weight > 0 THEN JARO_WINKLER_SIMILARITY(l.compact, r.compact) ELSE 0.0 END AS likeness,
    SUBSTRING(l.compact, 1, 1) = SUBSTRING(r.compact, 1, 1) AS starts_same,
    GREATEST(LENGTH(l.compact), LENGTH(r.compact)) AS letters,
    CASE
      WHEN @spelling_weight > 0
      THEN LEVENSHTEIN(SUBSTRING(l.compact, 1, 40), SUBSTRING(r.compact, 1, 40))
      ELSE 99
    END AS slips,
    l.is_cut AND LENGTH(l.compact) >= 12 AND STARTS_WITH(r.compact, l.compact) AS is_cut_short,
    @same_place(l, r) AS place,
    l.role = r.role AS is_same_role,
    l.role = '' OR CONTAINS(r.stems, ' ') AS is_more_than_role,
    COALESCE(2.0 * shared.weight / (
      left_weights.weight + right_weights.weight
    ), 0.0) AS overlap,
    COALESCE(
      1.0 * shared.weight / LEAST(left_weights.weight, right_weights.weight) * shared.most / heaviest.weight,
      0.0
    ) AS rare_words,
    COALESCE(
      1.0 * LEAST(left_weights.weight - shared.weight, right_weights.weight - shared.weight) / LEAST(left_weights.weight, right_weights.weight),
      1.0
    ) AS conflict
  FROM found
  JOIN open_rows AS l
    ON l.record = found.record
  JOIN enrichment.int_candidates_@matching AS r
    ON r.right_row = found.right_row
  CROSS JOIN heaviest
  LEFT JOIN shared
    ON shared.record = found.record AND shared.right_row = found.right_row
  LEFT JOIN left_weights
    ON left_weights.record = found.record
  LEFT JOIN right_weights
    ON right_weights.right_row = found.right_row
)
SELECT
  record,
  right_row,
  is_same,
  CAST(place AS INT) AS place,
  CAST(overlap AS DOUBLE) AS overlap,
  CAST(rare_words AS DOUBLE) AS rare_words,
  CAST(GREATEST(likeness - 0.8, 0.0) / 0.2 AS DOUBLE) AS spelling,
  CAST(conflict AS DOUBLE) AS conflict,
  CAST(is_same_role AND (
    is_more_than_role OR is_same OR is_same_compact
  ) AS BOOLEAN) AS is_same_role,
  CASE
    WHEN is_same
    THEN 10000
    WHEN is_same_compact AND is_same_role
    THEN 9900
    WHEN is_cut_short
    THEN 9500
    WHEN likeness >= 0.94 AND slips <= letters / 8 AND starts_same
    THEN 6500 + 1250 * place
    ELSE CAST(ROUND(
      10000 * LEAST(
        GREATEST(
          @overlap_weight * overlap + @rare_words_weight * rare_words + @spelling_weight * GREATEST(likeness - 0.8, 0.0) / 0.2 + @place_weight * place / 2.0 - @conflict_weight * conflict,
          0.0
        ) * CASE WHEN is_same_role THEN 1.0 ELSE 1.0 - @role_weight END,
        0.98
      )
    ) AS BIGINT)
  END AS score
FROM compared
