"""Make the bundled market reference of O*NET and BLS: `python -m scripts.market_reference FOLDER`.

FOLDER has `onet_alternate_titles.txt.gz`, `onet_occupation_data.txt.gz` and `oews_national_<year>.csv`, as
published.
"""

import sys
from pathlib import Path

import duckdb

TARGET = Path(__file__).resolve().parent.parent / "planwise" / "enrichment" / "reference"
HOURS = 2080  # of a full-time year, as BLS counts
PERCENTILES = ("pct10", "pct25", "median", "pct75", "pct90")
NAMES = ("p10", "p25", "p50", "p75", "p90")
TITLES = """
SELECT DISTINCT soc, title, occupation FROM (
  SELECT substr("O*NET-SOC Code", 1, 7) AS soc, trim("Alternate Title") AS title FROM alternate
  UNION ALL SELECT substr("O*NET-SOC Code", 1, 7), trim("Short Title") FROM alternate
    WHERE "Short Title" <> 'n/a'
  UNION ALL SELECT substr("O*NET-SOC Code", 1, 7), trim(Title) FROM occupations
) JOIN (
  SELECT substr("O*NET-SOC Code", 1, 7) AS soc, arg_min(Title, "O*NET-SOC Code") AS occupation
  FROM occupations GROUP BY 1
) USING (soc) ORDER BY soc, title
"""


def wages(file: Path) -> str:
    """Return the query for one year: `#` is a wage above the top code, `*` one that BLS does not publish."""
    year = int(file.stem.rpartition("_")[2])
    columns = []
    for percentile, name in zip(PERCENTILES, NAMES, strict=True):
        annual = f"TRY_CAST(replace(a_{percentile}, ',', '') AS DOUBLE)"
        hourly = f"TRY_CAST(replace(h_{percentile}, ',', '') AS DOUBLE) * {HOURS}"
        columns.append(f"round(coalesce({annual}, {hourly}))::INTEGER AS {name}")
    top = " OR ".join(f"a_{percentile} = '#'" for percentile in PERCENTILES)
    group = "occ_group" if year < 2019 else "o_group"  # renamed in 2019
    return (
        f"SELECT {year} AS year, occ_code AS soc, occ_title AS occupation, {group} AS kind, "
        f"TRY_CAST(replace(tot_emp, ',', '') AS INTEGER) AS employed, {', '.join(columns)}, "
        f"coalesce({top}, false) AS is_top_coded FROM read_csv('{file}', all_varchar = true)"
    )


def main(folder: Path) -> None:
    """Write both files."""
    connection = duckdb.connect()
    tab = "delim = '\t', quote = '', all_varchar = true"
    for name, file in (("alternate", "onet_alternate_titles"), ("occupations", "onet_occupation_data")):
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_csv('{folder / file}.txt.gz', {tab})")
    years = " UNION ALL ".join(wages(file) for file in sorted(folder.glob("oews_national_*.csv")))
    TARGET.mkdir(exist_ok=True)
    form = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19)"
    connection.execute(f"COPY ({TITLES}) TO '{TARGET / 'titles.parquet'}' {form}")
    connection.execute(
        f"COPY (SELECT * FROM ({years}) ORDER BY year, soc) TO '{TARGET / 'wages.parquet'}' {form}"
    )
    for file in sorted(TARGET.glob("*.parquet")):
        rows = connection.execute(f"SELECT count(*) FROM '{file}'").fetchone()
        print(f"{file.name}: {rows[0] if rows else 0:,} rows, {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
