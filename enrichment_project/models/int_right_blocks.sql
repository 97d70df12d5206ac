MODEL (
  name enrichment.int_right_blocks_@matching,
  kind FULL,
  blueprints @matchings(),
  grain (right_row, block),
  description 'One row per name of the reference and block that some record looks into; crowded blocks are left out.',
  column_descriptions (right_row = 'Number of the row of the reference', block = 'Key of the block')
);

WITH names AS (
  SELECT
    *
  FROM enrichment.stg_right_@matching
), wanted AS (
  SELECT DISTINCT
    block
  FROM enrichment.int_left_blocks_@matching
), words AS (
  SELECT
    right_row,
    state,
    UNNEST(LIST_DISTINCT(STR_SPLIT(stems, ' '))) AS word
  FROM names
), keys AS (
  SELECT
    right_row,
    'name ' || compact AS block
  FROM names
  UNION ALL
  SELECT
    right_row,
    'word ' || word AS block
  FROM words
  UNION ALL
  SELECT
    right_row,
    'state ' || state || ' ' || word AS block
  FROM words
  WHERE
    NOT state IS NULL
  UNION ALL
  SELECT
    right_row,
    'start ' || SUBSTRING(compact, 1, 6) AS block
  FROM names
  UNION ALL
  SELECT
    right_row,
    'start ' || state || ' ' || SUBSTRING(compact, 1, 4) AS block
  FROM names
  WHERE
    NOT state IS NULL
), found AS (
  SELECT
    keys.right_row,
    keys.block
  FROM keys
  SEMI JOIN wanted
    ON wanted.block = keys.block
), crowded AS (
  SELECT
    block
  FROM found
  GROUP BY
    block
  HAVING
    COUNT(*) > @block_rows_max
)
SELECT
  found.right_row,
  found.block
FROM found
ANTI JOIN crowded
  ON crowded.block = found.block
