"""A study's folder: what was asked, how it stands, what was found; each file replaced whole or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planwise.settings import Settings
from planwise.storage import write_json

JOURNAL_FILE = "journal.log"
STUDY_FILE = "study.json"
SUMMARY_FILE = "summary.json"
RESULT_FILE = "result.json"
LOCK_FILE = "lock"


def journal_file(settings: Settings, name: str) -> Path:
    """Return where a study's trials are written, unless a database has them."""
    return settings.studies_dir / name / JOURNAL_FILE


def lock_file(settings: Settings, name: str) -> Path:
    """Return the file that whoever runs a study holds."""
    return settings.studies_dir / name / LOCK_FILE


def summary_file(settings: Settings, name: str) -> Path:
    """Return the file that is replaced whenever a study has got further."""
    return settings.studies_dir / name / SUMMARY_FILE


def result_file(settings: Settings, name: str) -> Path:
    """Return the file with what a study found."""
    return settings.studies_dir / name / RESULT_FILE


def write_study(settings: Settings, name: str, about: Mapping[str, Any]) -> Path:
    """Write what a study was asked."""
    return _write(settings.studies_dir / name / STUDY_FILE, about)


def write_summary(settings: Settings, name: str, summary: Mapping[str, Any]) -> Path:
    """Write how a study stands."""
    return _write(summary_file(settings, name), summary)


def write_result(settings: Settings, name: str, result: Mapping[str, Any]) -> Path:
    """Write what a study found."""
    return _write(result_file(settings, name), result)


def read_study(settings: Settings, name: str) -> dict[str, Any] | None:
    """Return what a study was asked; None when there is none of that name."""
    return _read(settings.studies_dir / name / STUDY_FILE)


def read_summary(settings: Settings, name: str) -> dict[str, Any] | None:
    """Return how a study stands; None when it has not begun."""
    return _read(summary_file(settings, name))


def read_result(settings: Settings, name: str) -> dict[str, Any] | None:
    """Return what a study found; None while it has not ended."""
    return _read(result_file(settings, name))


def study_folders(settings: Settings) -> tuple[str, ...]:
    """Return the names of the studies that this home has a folder of, by name."""
    return tuple(sorted(file.parent.name for file in settings.studies_dir.glob(f"*/{STUDY_FILE}")))


def _read(file: Path) -> dict[str, Any] | None:
    if not file.is_file():
        return None
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _write(file: Path, content: Mapping[str, Any]) -> Path:
    write_json(file, content, indent=1)
    return file
