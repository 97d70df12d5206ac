from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from planwise.census import ImportResult, import_census
from planwise.settings import Settings

AS_OF = date(2020, 12, 31)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def lenient(tmp_path: Path) -> Settings:
    """Let a file of three rows show its rejects without blocking the import."""
    return Settings(home=tmp_path / "home", valid_rows_min_share=0.0)


@pytest.fixture
def bring(lenient: Settings, tmp_path: Path) -> Callable[..., ImportResult]:
    """Import the given text or bytes as a file."""

    def run(
        content: str | bytes, *, suffix: str = "csv", settings: Settings = lenient, **options: Any
    ) -> ImportResult:
        file = tmp_path / f"payroll.{suffix}"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return import_census(settings, file, **({"as_of": AS_OF} | options))

    return run


@pytest.fixture
def stored() -> Callable[[ImportResult], pd.DataFrame]:
    def read(result: ImportResult) -> pd.DataFrame:
        return pd.read_parquet(result.census.census_file)

    return read
