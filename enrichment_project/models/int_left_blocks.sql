MODEL (
  name enrichment.int_left_blocks_@matching,
  kind FULL,
  blueprints @matchings(),
  grain (record, block),
  description 'One row per record that no exact step decides and block in which candidates for it are looked for.',
  column_descriptions (
    record = 'Number of the record',
    block = 'Key of the block: its kind, and what the names in it have in common'
  )
);

WITH names AS (
  SELECT
    *
  FROM enrichment.int_open_@matching
), words AS (
  SELECT
    *
  FROM enrichment.int_left_words_@matching
)
SELECT
  record,
  'name ' || compact AS block
FROM names
WHERE
  compact <> ''
UNION ALL
SELECT
  record,
  'word ' || word AS block
FROM words
WHERE
  names BETWEEN 1 AND @block_rows_max
UNION ALL
SELECT
  words.record,
  'state ' || names.state || ' ' || words.word AS block
FROM words
JOIN names
  ON names.record = words.record
WHERE
  words.rarity <= 2 AND NOT names.state IS NULL
UNION ALL
SELECT
  record,
  'start ' || SUBSTRING(compact, 1, 6) AS block
FROM names
WHERE
  LENGTH(compact) >= 4
UNION ALL
SELECT
  record,
  'start ' || state || ' ' || SUBSTRING(compact, 1, 4) AS block
FROM names
WHERE
  LENGTH(compact) >= 4 AND NOT state IS NULL
