"""Read published results: no database, no SQLMesh; the dashboard and every other reader starts here.

The layout is what `planwise.engine.publishing` writes: `published/<scenario>/<fingerprint>/` with one
Parquet file per mart and a manifest, and `published/<scenario>/current`, which names the one in force.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from planwise.errors import InputError
from planwise.settings import Settings

CURRENT = "current"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Publication:
    """One published result; the folder never changes."""

    scenario: str
    fingerprint: str
    folder: Path
    manifest: Mapping[str, Any]

    def file(self, mart: str) -> Path:
        """Return a mart's Parquet file."""
        return self.folder / f"{mart}.parquet"

    def frame(self, mart: str) -> pd.DataFrame:
        """Return a mart; decimals come as floats."""
        import duckdb

        return duckdb.connect().execute("SELECT * FROM read_parquet(?)", [str(self.file(mart))]).df()


def load_publication(settings: Settings, scenario: str) -> Publication:
    """Return the scenario's result in force; raises InputError when there is none or it is damaged."""
    home = settings.published_dir / scenario
    try:
        fingerprint = (home / CURRENT).read_text(encoding="utf-8").strip()
        manifest = json.loads((home / fingerprint / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"No result of scenario {scenario!r} is published in {settings.published_dir}.",
            remedy=f"Run `planwise simulate --scenario {scenario}`.",
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"The published result of {scenario!r} cannot be read: {error}",
            remedy=f"Run `planwise simulate --scenario {scenario}`; it is written again.",
        ) from error
    return Publication(scenario, fingerprint, home / fingerprint, manifest)


def published_scenarios(settings: Settings) -> tuple[str, ...]:
    """Return the names of the scenarios that have a result in force, readable or not, sorted."""
    if not settings.published_dir.is_dir():
        return ()
    folders = sorted(settings.published_dir.iterdir())
    return tuple(folder.name for folder in folders if (folder / CURRENT).is_file())


def list_publications(settings: Settings) -> list[Publication]:
    """Return every scenario's result in force, by scenario."""
    return [load_publication(settings, scenario) for scenario in published_scenarios(settings)]
