"""The market reference of a census's job titles: a table beside the census, named by its content.

It is written when the titles have been matched with a survey, and read into the warehouse as the census is. A
census that is imported again has none until its titles are matched again.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from planwise.storage import digest, read_object, reading, replace_file, require_content, write_json

if TYPE_CHECKING:
    from planwise.census.registry import Census

MARKET = "market.json"
NO_MARKET = "none"  # the key of the empty table of a census whose titles are not matched
MATCH_TITLES = "planwise enrich market"
KEY_DIGITS = 16
PERCENTILES = ("p10", "p25", "p50", "p75", "p90")
MONEY = pa.decimal128(14, 2)
MARKET_SCHEMA = pa.schema(
    [
        pa.field("title_id", pa.int32(), nullable=False),
        pa.field("job_title", pa.string(), nullable=False),
        pa.field("occupation_id", pa.string()),
        pa.field("occupation", pa.string()),
        pa.field("market_reason", pa.string()),
        *(pa.field(name, MONEY) for name in PERCENTILES),
    ]
)
# The same for an empty table in the warehouse.
MARKET_COLUMNS = {
    "title_id": "INTEGER",
    "job_title": "TEXT",
    "occupation_id": "TEXT",
    "occupation": "TEXT",
    "market_reason": "TEXT",
    **dict.fromkeys(PERCENTILES, "DECIMAL(14, 2)"),
}


def read_market(folder: Path) -> dict[str, Any]:
    """Return what is known of the market reference in a census's folder; empty without one."""
    file = folder / MARKET
    if not file.is_file():
        return {}
    return read_object(file, "The market reference of a census", f"Run `{MATCH_TITLES}` again.")


def store_market(census: "Census", table: pa.Table, about: Mapping[str, Any]) -> dict[str, Any]:
    """Keep a market reference beside its census and return what is known of it.

    One that was kept before stays as a file, since a simulation may still read it.
    """
    table = table.cast(MARKET_SCHEMA)
    columns = json.dumps(table.to_pydict(), default=str, sort_keys=True)
    key = hashlib.sha256(columns.encode()).hexdigest()[:KEY_DIGITS]
    folder = census.census_file.parent
    with replace_file(_file(folder, key)) as partial:
        pq.write_table(table, partial)
    found = {**about, "key": key, "sha256": digest(_file(folder, key))}
    write_json(folder / MARKET, found, indent=2)
    return found


def copy_market(census: "Census | None", target: Path) -> None:
    """Copy a census's market reference to the folder of another version of it, which has the same titles."""
    if census is not None and (file := market_file(census)) is not None:
        shutil.copyfile(file, target / file.name)
        shutil.copyfile(file.parent / MARKET, target / MARKET)


def market_key(census: "Census") -> str:
    """Return the part of the table's name in the warehouse that is of its content."""
    return str(census.market.get("key", NO_MARKET))


def market_file(census: "Census") -> Path | None:
    """Return the file of a census's market reference, None without one; DamagedStore when it is damaged."""
    if not census.market:
        return None
    file = _file(census.census_file.parent, market_key(census))
    with reading(f"The market reference of {census.name!r}", file, f"Run `{MATCH_TITLES}` again."):
        require_content(file, census.market.get("sha256"))
    return file


def _file(folder: Path, key: str) -> Path:
    return folder / f"market-{key}.parquet"
