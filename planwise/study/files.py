"""A study's files: what was asked and what was found, each replaced whole or not at all."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planwise.settings import Settings

STUDY_FILE = "study.json"
RESULT_FILE = "result.json"


def write_study(settings: Settings, name: str, about: Mapping[str, Any]) -> Path:
    """Write what a study was asked."""
    return _write(settings.studies_dir / name / STUDY_FILE, about)


def write_result(settings: Settings, name: str, result: Mapping[str, Any]) -> Path:
    """Write what a study found."""
    return _write(settings.studies_dir / name / RESULT_FILE, result)


def read_result(settings: Settings, name: str) -> dict[str, Any] | None:
    """Return what a study found; None while it has not ended."""
    file = settings.studies_dir / name / RESULT_FILE
    if not file.exists():
        return None
    result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return result


def _write(file: Path, content: Mapping[str, Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    with open(part, "w", encoding="utf-8") as handle:
        handle.write(json.dumps(content, indent=1, ensure_ascii=False))
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(part, file)
    return file
