"""Match generated awards with generated recipients: `python -m benchmarks.enrichment --awards 250000`.

Recipients have names of two or three words, places and identifiers; awards are theirs with the faults of real
files: identifiers left out or as numbers, other designators, misspelt, cut and missing names.
"""

import argparse
import json
import resource
import shutil
import tempfile
import time
from pathlib import Path

import duckdb

from planwise.app.enrich import RecipientsRequest, enrich_recipients
from planwise.app.runner import InProcessRunner
from planwise.settings import Settings

KIB_PER_GIB = 2**20
STATES = "AL AZ CA CO CT FL GA IL IN MA MD MI MN NC NJ NM NY OH OR PA TX UT VA WA WI".split()  # noqa: SIM905
WORDS = 60_000  # of which the first hundred are in a third of all names, as in real ones


MACROS = f"""
CREATE MACRO draw(key, outcomes) AS (md5_number_lower(key::TEXT) % outcomes)::BIGINT;
CREATE MACRO word(n) AS upper(
  translate(substr(md5(n::TEXT), 1, 5 + (n % 5)::INT), '0123456789', 'ghiklmnopr')
);
CREATE MACRO word_of(key) AS word(
  CASE WHEN draw(key || 'c', 3) = 0 THEN draw(key, 100) ELSE draw(key, {WORDS}) END
);
CREATE TABLE states AS SELECT unnest({STATES}) AS state, generate_subscripts({STATES}, 1) - 1 AS n;
"""
RECIPIENTS = f"""
CREATE TABLE recipients AS SELECT
  i, upper(substr(md5(i || 'u'), 1, 11)) || (i % 10) AS uei,
  lpad((100000000 + i * 7 % 899999999)::TEXT, 9, '0') AS duns,
  word_of(i || 'a') || ' ' || word_of(i || 'b')
    || CASE WHEN draw(i || 'x', 2) = 0 THEN ' ' || word_of(i || 'c') ELSE '' END AS stem,
  ['INC', 'LLC', 'CORPORATION', 'LTD', ''][1 + draw(i || 'd', 5)] AS designator,
  'CITY ' || draw(i || 'e', 400) AS city, state
FROM range($recipients) AS r(i) JOIN states ON n = draw(i || 's', {len(STATES)})
"""
AWARDS = """
SELECT
  CASE draw(j || 'f', 10)
    WHEN 0 THEN stem || ', Inc.' WHEN 1 THEN 'The ' || stem || ' Co., L.L.C.'
    WHEN 2 THEN substr(stem, 1, 4) || substr(stem, 6) WHEN 3 THEN stem || ' GROUP'
    WHEN 4 THEN word_of(j || 'n') || ' ' || word_of(j || 'o') ELSE trim(stem || ' ' || designator)
  END AS comp_name,
  CASE draw(j || 'g', 4) WHEN 0 THEN duns WHEN 1 THEN 'nan' WHEN 2 THEN duns || '.0' END AS duns,
  CASE WHEN draw(j || 'h', 5) = 0 THEN uei END AS uei, city, state
FROM range($awards) AS a(j) JOIN recipients ON i = draw(j || 'r', $recipients) ORDER BY j
"""


def generate(folder: Path, awards: int, recipients: int) -> tuple[Path, Path]:
    """Write both files as Parquet, the same for the same sizes."""
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    connection.execute(MACROS)
    sizes = {"$awards": awards, "$recipients": recipients}

    def sized(query: str) -> str:
        for name, size in sizes.items():
            query = query.replace(name, str(size))
        return query

    connection.execute(sized(RECIPIENTS))
    left, right = folder / "awards.parquet", folder / "recipients.parquet"
    named = "SELECT uei, duns, trim(stem || ' ' || designator) AS legal_business_name, city, state"
    for query, file in ((f"{named} FROM recipients ORDER BY i", right), (sized(AWARDS), left)):
        connection.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)")
    return left, right


def main() -> None:
    """Generate, match, print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--awards", type=int, default=25_000)
    parser.add_argument("--recipients", type=int, default=500_000)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    try:
        awards, recipients = generate(folder, given.awards, given.recipients)
        started, cpu = time.perf_counter(), time.process_time()
        request = RecipientsRequest(awards=awards, recipients=recipients, output=folder / "matches.parquet")
        report = enrich_recipients(Settings(home=folder / "home"), request, InProcessRunner())
        figures = {
            "seconds": round(time.perf_counter() - started, 2),
            "cpu_seconds": round(time.process_time() - cpu, 2),
            "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_GIB, 2),
            **report.totals,
        }
        print(json.dumps(figures))
    finally:
        if given.folder is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
