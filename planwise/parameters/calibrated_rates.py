"""Calibrated rates: what a calibration found that is too large for parameters, stored by its content.

A scenario names them by the assumption `calibrated_rates`. Folder `rates/<key>/` of the home has a Parquet
file for each part; the key is a hash of what is in them, so equal rates are stored once and never change.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from planwise.errors import InputError
from planwise.settings import Settings
from planwise.storage import digest, publish_folder, read_object, reading, require_content

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ASSUMPTION = "calibrated_rates"
NO_RATES = "none"  # in place of the key where a scenario has none: its tables are empty
KEY_DIGITS = 16
KEY_PATTERN = re.compile(r"[0-9a-f]{16}")
MANIFEST, FORMAT = "manifest.json", 1
DECIMALS = 6
# Columns of each part in SQL's types. `exit_multipliers`: the likelihood of an exit relative to everybody's,
# by tenure, age, level, department, job_title and department_tenure (a department's own curve: `key` the
# department, bounds in completed years of service). `drift_donors`: what one person's pay did beyond the
# award.
PARTS: Mapping[str, Mapping[str, str]] = {
    "exit_multipliers": {
        "dimension": "TEXT",
        "key": "TEXT",
        "lower_bound": "INTEGER",
        "upper_bound": "INTEGER",
        "multiplier": "DOUBLE",
        "heads": "BIGINT",
        "events": "BIGINT",
    },
    "drift_donors": {
        "award_group": "TEXT",
        "tenure_band": "TEXT",
        "level_id": "INTEGER",
        "drift": "DOUBLE",
    },
}


class _Manifest(BaseModel, extra="allow"):
    format: Annotated[int, Field(ge=1)]
    sha256: dict[str, str]


def rates_dir(settings: Settings) -> Path:
    """Return the folder of all calibrated rates of a home."""
    return settings.root / "rates"


def rates_key(parts: Mapping[str, "pd.DataFrame"]) -> str:
    """Return the key of these rates, whatever the order of their rows; a part that is missing is empty."""
    return _key({name: _table(name, parts.get(name)) for name in PARTS})


def store_rates(settings: Settings, parts: Mapping[str, "pd.DataFrame"]) -> str:
    """Store rates under their key, unless they are there, and return it; raises InputError for bad parts."""
    import pyarrow.parquet as pq

    if unknown := sorted(parts.keys() - PARTS.keys()):
        raise InputError(f"Unknown part of calibrated rates: {', '.join(unknown)}.")
    tables = {name: _table(name, parts.get(name)) for name in PARTS}
    key = _key(tables)
    folder = rates_dir(settings) / key
    if not (folder / MANIFEST).is_file():
        with publish_folder(folder) as partial:
            for name, table in tables.items():
                pq.write_table(table, partial / f"{name}.parquet", compression="zstd")
            digests = {file.name: digest(file) for file in partial.iterdir()}
            rows = {name: table.num_rows for name, table in tables.items()}
            text = json.dumps({"format": FORMAT, "rows": rows, "sha256": digests}, indent=2, sort_keys=True)
            (partial / MANIFEST).write_text(f"{text}\n", encoding="utf-8")
    return key


def rates_files(settings: Settings, key: str) -> dict[str, Path]:
    """Return the file of each part; raises InputError where the home has none, DamagedStore for others."""
    folder = rates_dir(settings) / key
    if not folder.is_dir():
        raise InputError(
            f"{ASSUMPTION} = {key}: the home {settings.root} has no such rates.",
            remedy="Calibrate again (`planwise calibrate … --scenario NAME`), restore a backup of the folder "
            f"`rates`, or simulate with the published defaults: `--assume {ASSUMPTION}=null`.",
        )
    store, remedy = f"The calibrated rates {key}", "Restore a backup of the folder, or calibrate again."
    manifest = read_object(folder / MANIFEST, store, remedy, _Manifest)
    files = {name: folder / f"{name}.parquet" for name in PARTS}
    for file in files.values():
        with reading(store, file, remedy):
            require_content(file, manifest["sha256"][file.name])
    return files


def anything_drifts(settings: Settings, key: object) -> bool:
    """Return whether rates have donors of drift; none where raises were taken for COLA and merit.

    Raises like `rates_files`.
    """
    import pyarrow.parquet as pq

    if not isinstance(key, str):  # the scenario has no rates
        return False
    return bool(pq.read_metadata(rates_files(settings, key)["drift_donors"]).num_rows)


def read_rates(settings: Settings, key: str) -> dict[str, "pd.DataFrame"]:
    """Return every part as a frame; raises like `rates_files`."""
    import pandas as pd

    return {name: pd.read_parquet(file) for name, file in rates_files(settings, key).items()}


def list_rates(settings: Settings) -> tuple[str, ...]:
    """Return the keys of all stored rates."""
    folder = rates_dir(settings)
    found = folder.iterdir() if folder.is_dir() else ()
    return tuple(sorted(path.name for path in found if KEY_PATTERN.fullmatch(path.name)))


def _table(name: str, frame: "pd.DataFrame | None") -> "pa.Table":
    """Return a part with its declared columns, numbers rounded, rows in one order."""
    import pyarrow as pa

    kinds: dict[str, Any] = {
        "TEXT": pa.string(), "INTEGER": pa.int32(), "BIGINT": pa.int64(), "DOUBLE": pa.float64()
    }  # fmt: skip
    schema = pa.schema([(column, kinds[kind]) for column, kind in PARTS[name].items()])
    if frame is None:
        return schema.empty_table()
    if missing := [column for column in schema.names if column not in frame.columns]:
        raise InputError(f"Calibrated rates, {name}: missing columns {', '.join(missing)}.")
    rounded = frame[schema.names].round(DECIMALS)
    arrays = [pa.array(rounded[field.name], type=field.type, from_pandas=True) for field in schema]
    return pa.table(arrays, schema=schema).sort_by([(column, "ascending") for column in schema.names])


def _key(tables: Mapping[str, "pa.Table"]) -> str:
    content = {name: [list(table.schema.names), *table.to_pylist()] for name, table in tables.items()}
    return hashlib.sha256(json.dumps([FORMAT, content]).encode()).hexdigest()[:KEY_DIGITS]
