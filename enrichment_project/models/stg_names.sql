MODEL (
  name enrichment.stg_@{side}_@matching,
  kind FULL,
  blueprints @sides(),
  grain @key,
  description 'One row per distinct record to be matched (left), or per name of the reference, former names included (right): its name and identifiers in the form in which they are compared.',
  column_descriptions (
    @key = 'Number of the record or of the row of the reference, in the order of the file',
    name = 'Name as given',
    normal_name = 'Normalised name',
    stems = 'The words that count, singular, separated by blanks',
    compact = 'The same without blanks',
    role = 'Of a title: what a person in it does; empty when no word says it, and for companies',
    is_cut = 'The name is as long as its field, and may end in the middle of a word',
    city = 'City, in upper case without punctuation; null when unknown',
    state = 'State, in upper case; null when unknown',
    zip = 'First five digits of the zip code; null when unknown'
  )
);

WITH given AS (
  SELECT
    *
  FROM input.@{side}_@matching
), plain AS (
  SELECT
    given.@key,
    given.name,
    @plain_name(@rules, given.folded) AS plain_name,
    @identifier_columns(@matching),
    NULLIF(TRIM(REGEXP_REPLACE(UPPER(given.city), '[^\p{L}\p{N}]+', ' ', 'g')), '') AS city,
    NULLIF(UPPER(TRIM(given.state)), '') AS state,
    NULLIF(REGEXP_EXTRACT(given.zip, '^\s*(\d{5})', 1), '') AS zip
  FROM given
), joined AS (
  SELECT
    *,
    @joined_name(plain_name) AS joined_name
  FROM plain
), normal AS (
  SELECT
    *,
    TRIM(@essential_name(@rules, joined_name, name)) AS normal_name
  FROM joined
), stemmed AS (
  SELECT
    *,
    @word_stems(@rules, normal_name) AS stems
  FROM normal
)
SELECT
  CAST(@key AS BIGINT) AS @key,
  CAST(name AS TEXT) AS name,
  CAST(normal_name AS TEXT) AS normal_name,
  CAST(stems AS TEXT) AS stems,
  CAST(REPLACE(stems, ' ', '') AS TEXT) AS compact,
  CAST(@role_of(@rules, normal_name) AS TEXT) AS role,
  CAST(LENGTH(TRIM(name)) IN (30, 40) AS BOOLEAN) AS is_cut,
  @each_identifier(@matching),
  CAST(city AS TEXT) AS city,
  CAST(state AS TEXT) AS state,
  CAST(zip AS TEXT) AS zip
FROM stemmed
