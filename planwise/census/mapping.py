"""Map a file's columns to the schema: by a mapping YAML, otherwise by the headers."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from planwise.census.dates import check_format
from planwise.census.numbers import check_style, currency_codes
from planwise.census.reader import read_bytes
from planwise.census.schema import BY_NAME, COLUMNS, is_direct_identifier, normalise_header, person_headers
from planwise.errors import InputError
from planwise.storage import write_text

HEADERS_SHOWN = 60
MAPPING_BYTES_MAX = 2**20
PAY_MAX = 1e9  # a year
HASHED = ("employee_id", "manager_id")  # may come from columns that identify people
PAY_QUANTILES, RANGES = "pay-quantiles", "ranges"


class Range(BaseModel):
    """One level's half-open pay range in USD a year."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    level_id: int
    minimum: float = Field(allow_inf_nan=False, le=PAY_MAX)
    maximum: float = Field(allow_inf_nan=False, le=PAY_MAX)
    name: str | None = None


PayUnit = Literal["annual", "monthly", "semimonthly", "biweekly", "weekly", "daily", "hourly"]
PayIs = Literal["full-time", "paid"]
HOURS_PER_YEAR = 2080  # 52 weeks of 40 hours, as US payroll practice has it


class PayUnitColumn(BaseModel):
    """The column that says in which unit a row's pay is; `words` are its values, whatever their case."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    column: str
    words: dict[str, PayUnit] = {}


class CensusMapping(BaseModel):
    """The mapping YAML. Unknown keys are rejected. A column mapped to null is left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    columns: dict[str, str | None] = {}
    formats: dict[str, str] = {}
    constants: dict[str, str] = {}
    filter: str | None = None
    levels: Literal["pay-quantiles", "ranges"] | dict[str, int] | None = None
    ranges: tuple[Range, ...] | None = None
    level_names: dict[int, str] = {}
    as_of: date | None = None
    sheet: str | None = None
    encoding: str | None = None
    skip_rows: int | None = Field(default=None, ge=0)
    pay_unit: PayUnit | PayUnitColumn | None = None
    hours_per_year: float = Field(default=HOURS_PER_YEAR, gt=0, le=8784)
    pay_is: PayIs | None = None
    currency: str | None = None
    statuses: dict[str, Literal["active", "left", "ignore"]] = {}
    person: tuple[str, ...] = ()
    namesakes: Literal["number"] | None = None

    @field_validator("constants", mode="before")
    @classmethod
    def _texts(cls, values: Any) -> Any:
        return {k: str(v) for k, v in values.items()} if isinstance(values, dict) else values

    @field_validator("currency")
    @classmethod
    def _is_currency(cls, code: str | None) -> str | None:
        if code is not None and currency_codes().get(code.lower()) != code.upper():
            raise ValueError(f"{code!r} is not an ISO 4217 code such as USD")
        return None if code is None else code.upper()

    @field_validator("statuses", mode="before")
    @classmethod
    def _status_texts(cls, values: Any) -> Any:
        return {str(k): v for k, v in values.items()} if isinstance(values, dict) else values

    @field_validator("ranges", mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return [{"level_id": k, "minimum": v[0], "maximum": v[1]} for k, v in value.items()]
        return value


class _UniqueKeys(yaml.SafeLoader):
    """YAML without aliases, in which a repeated key is an error instead of the last one silently winning."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(f"line {self.line + 1}: aliases (*name) are not used")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        repeated = {k for k in keys if keys.count(k) > 1}
        if repeated:
            raise yaml.YAMLError(f"repeated key {', '.join(map(str, repeated))}")
        return super().construct_mapping(node, deep)


Mapped = TypeVar("Mapped", bound=BaseModel)


def load_mapping(source: Path | Mapping[str, Any] | None) -> CensusMapping:
    """Return the mapping of a YAML file or dict (none: an empty one); raises InputError naming the key."""
    mapping = read_mapping(source, CensusMapping)
    _check_names(mapping, _named(source))
    return mapping


def mapping_of_text(text: str | bytes, where: str = "The mapping") -> CensusMapping:
    """Return the mapping of a YAML text; raises InputError naming the key."""
    mapping = _model_of(_yaml(text, where), CensusMapping, where)
    _check_names(mapping, where)
    return mapping


def read_mapping(source: Path | Mapping[str, Any] | None, model: type[Mapped]) -> Mapped:
    """Return a YAML file or dict as a model (none: its defaults); raises InputError naming the key."""
    where = _named(source)
    content = _yaml(read_bytes(source, MAPPING_BYTES_MAX), where) if isinstance(source, Path) else source
    return _model_of(content, model, where)


def _named(source: object) -> str:
    return f"The mapping {source.name}" if isinstance(source, Path) else "The mapping"


def _yaml(text: str | bytes, where: str) -> Any:
    try:
        return yaml.load(text if isinstance(text, str) else text.decode("utf-8-sig"), Loader=_UniqueKeys)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise InputError(  # ValueError: 2026-02-30 is no date
            f"{where} is not valid YAML: {error}.",
            remedy="Correct it; put texts that look like dates or numbers in quotes.",
        ) from error


def _model_of(content: Any, model: type[Mapped], where: str) -> Mapped:
    try:
        mapping = model.model_validate({} if content is None else content)
        mapping.model_dump_json()  # raises ValueError for text that is not Unicode
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        problems = (
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            if isinstance(error, ValidationError)
            else str(error)
        )
        raise InputError(
            f"{where} is not valid: {problems}.",
            remedy=f"Known keys: {', '.join(model.model_fields)}.",
        ) from error
    return mapping


def _check_names(mapping: CensusMapping, where: str) -> None:
    for section in ("columns", "formats", "constants"):
        for name in getattr(mapping, section):
            if name not in BY_NAME:
                near = get_close_matches(name, BY_NAME, n=1)
                raise InputError(
                    f"{where}: {section}.{name} is not a column of the census.",
                    remedy=f"Did you mean {near[0]}?" if near else f"Columns: {', '.join(BY_NAME)}.",
                )
    for name, stated in mapping.formats.items():
        kind = BY_NAME[name].kind
        if kind == "date":
            check_format(stated, name)
        elif kind in ("money", "fte", "rating", "level"):
            check_style(stated, name)
        else:
            raise InputError(
                f"{where}: formats.{name}: a text has no format; dates and numbers have one.",
                remedy="Leave it out." if name != "active" else "State its words: `statuses: {WORD: left}`.",
            )
    both = sorted(set(mapping.constants) & {name for name, header in mapping.columns.items() if header})
    if both:
        raise InputError(
            f"{where}: {', '.join(both)} is both a column and a constant.", remedy="Keep one of the two."
        )
    if mapping.person and mapping.columns.get("employee_id"):
        raise InputError(f"{where}: ids come from `person` or from a column.", remedy="Keep one of the two.")
    if "employee_id" in mapping.constants:
        raise InputError(f"{where}: employee_id cannot be a constant, because it identifies employees.")
    if isinstance(mapping.levels, dict) and (
        "level_id" in mapping.constants or mapping.columns.get("level_id")
    ):
        raise InputError(
            f"{where}: levels by title and a level_id column contradict each other.", remedy="Keep one."
        )


MAPPINGS_FOLDER = "mappings"


def keep_mapping(home: Path, mapping: CensusMapping, headers: Sequence[str], name: str) -> Path | None:
    """Keep a mapping for the next file with these headers; return its file, None where nothing is stated.

    The census date is left out: the next file has another.
    """
    stated = mapping.model_dump(mode="json", exclude_defaults=True, exclude={"as_of"})
    if not stated:
        return None
    file = home / MAPPINGS_FOLDER / f"{name}-{_fingerprint(headers)}.yaml"
    for other in file.parent.glob(f"*-{_fingerprint(headers)}.yaml"):
        if other != file:
            other.unlink(missing_ok=True)
    write_text(file, yaml.safe_dump(stated, allow_unicode=True, sort_keys=False))
    return file


def kept_mapping(home: Path, headers: Sequence[str]) -> Path | None:
    """Return the mapping that was used last for a file with these headers."""
    return next((home / MAPPINGS_FOLDER).glob(f"*-{_fingerprint(headers)}.yaml"), None)


def _fingerprint(headers: Sequence[str]) -> str:
    return hashlib.sha256("|".join(sorted(map(normalise_header, headers))).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class ResolvedMapping:
    """Schema column → header, and the identifying headers, which are dropped first.

    `alternatives` are further headers that a guessed column could have come from, best first. `person` are
    the headers from which the ids of a file without ids are made; they then come from the joined header.
    """

    headers: dict[str, str]
    guessed: tuple[str, ...]
    dropped: tuple[str, ...]
    person: tuple[str, ...] = ()
    alternatives: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def choices(self) -> list[str]:
        """Notes on columns that could have come from several headers."""
        return [
            f"{name} comes from {self.headers[name]!r}, not from {' or '.join(map(repr, others))}. "
            f"State another: `columns: {{{name}: {others[0]}}}`."
            for name, others in self.alternatives.items()
            if others
        ]


def resolve_columns(headers: Sequence[str], mapping: CensusMapping, first_lines: str = "") -> ResolvedMapping:
    """Return each schema column's header; raises InputError if missing, ambiguous, unknown or unsafe.

    `first_lines` of the file are shown where a required column is missing.
    """
    stated = {name: _existing(name, header, headers) for name, header in mapping.columns.items() if header}
    for name, header in stated.items():
        if name not in HASHED and is_direct_identifier(header):
            raise InputError(
                f"Column {header!r} identifies a person and cannot become {name}.",
                remedy=f"Only {' and '.join(HASHED)} may come from it: they are then hashed.",
            )
    free = [h for h in headers if h not in stated.values() and not is_direct_identifier(h)]
    settled = set(mapping.columns) | set(mapping.constants)
    if isinstance(mapping.levels, str | dict):
        settled.add("level_id")  # requested levels override a column that was only recognised by its header
    guessed: dict[str, str] = {}
    for column in COLUMNS:
        candidate = None if column.name in settled else _guess(column.name, free)
        if candidate is not None:
            guessed[column.name] = candidate
    found = stated | guessed
    person = _person(found, mapping, headers)
    if person:
        found["employee_id"] = " + ".join(person)
    _check_required(found, mapping, headers, first_lines)
    kept = {found.get(name) for name in HASHED}
    dropped = tuple(h for h in headers if is_direct_identifier(h) and h not in kept)
    alternatives = {name: _alternatives(name, header, free) for name, header in guessed.items()}
    return ResolvedMapping(found, tuple(guessed), dropped, person, alternatives)


def recognised_columns(headers: Sequence[str], mapping: CensusMapping) -> dict[str, str]:
    """Return the header of each schema column that is stated or clear; raises nothing."""
    found = {name: header for name, header in mapping.columns.items() if header and header in headers}
    free = [h for h in headers if h not in found.values() and not is_direct_identifier(h)]
    for column in COLUMNS:
        if column.name not in mapping.columns and column.name not in mapping.constants:
            with suppress(InputError):  # several could be meant
                if (header := _guess(column.name, free)) is not None:
                    found[column.name] = header
    return found


def _person(found: Mapping[str, str], mapping: CensusMapping, headers: Sequence[str]) -> tuple[str, ...]:
    """Return the headers from which ids are made: the stated ones; in a file without ids those of names."""
    if mapping.person:
        return tuple(_existing("person", header, headers) for header in mapping.person)
    if "employee_id" in found or "employee_id" in mapping.columns:
        return ()
    person = person_headers(headers)
    return (*person, found["birth_date"]) if len(person) and "birth_date" in found else person


def _alternatives(name: str, chosen: str, headers: Sequence[str]) -> tuple[str, ...]:
    tiers = BY_NAME[name].synonyms
    return tuple(h for tier in tiers for h in headers if normalise_header(h) in tier and h != chosen)


def _existing(name: str, header: str, headers: Sequence[str]) -> str:
    if header in headers:
        return header
    same = [
        h
        for h in headers
        if normalise_header(h) == normalise_header(header) and h.casefold() == header.casefold()
    ]
    if len(same) == 1:
        return same[0]
    near = get_close_matches(header, headers, n=1)
    raise InputError(
        f"The mapping takes {name} from {header!r}; the file has no such column, but: {', '.join(headers)}.",
        remedy=f"Did you mean {near[0]!r}?" if near else None,
    )


def _guess(name: str, headers: Iterable[str]) -> str | None:
    headers = list(headers)
    if name in headers:
        return name
    for tier in BY_NAME[name].synonyms:
        candidates = [h for h in headers if normalise_header(h) in tier]
        if len(candidates) > 1:
            raise InputError(
                f"{name} could come from {' or '.join(map(repr, candidates))}.",
                remedy=f"Choose one in a mapping YAML: `columns: {{{name}: {candidates[0]}}}`.",
            )
        if candidates:
            return candidates[0]
    return None


def _check_required(
    found: Mapping[str, str], mapping: CensusMapping, headers: Sequence[str], first_lines: str
) -> None:
    missing = [
        c.name for c in COLUMNS if c.required and c.name not in found and c.name not in mapping.constants
    ]
    if not missing:
        return
    examples = {"hire_date": "2010-01-01", "department": "All", "job_title": "Employee"}
    remedies = [f"Map another column in a mapping YAML: `columns: {{{missing[0]}: HEADER}}`"]
    remedies += [
        f"or state one value for all: `constants: {{{m}: {examples[m]}}}`" for m in missing if m in examples
    ]
    if "employee_id" in missing:
        remedies.append("or make ids of columns that together identify a person: `person: [HEADER, HEADER]`")
    if first_lines:
        remedies.append("or, where the header is further below, `skip_rows: N` lines above it")
    raise InputError(
        f"The required {'column' if len(missing) == 1 else 'columns'} {', '.join(missing)} cannot be found; "
        f"the file's headers are: {', '.join(headers[:HEADERS_SHOWN])}."
        + (f" Its first lines (digits masked): {first_lines}." if first_lines else ""),
        remedy=" ".join(remedies) + ".",
    )
