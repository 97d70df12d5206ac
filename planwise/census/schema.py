"""The census schema: columns, types, required columns, and the words of payroll files."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

import pyarrow as pa
import yaml

Kind = Literal["id", "date", "money", "text", "level", "rating", "fte", "gender", "active"]

MONEY = pa.decimal128(14, 2)
FTE = pa.decimal128(5, 4)
RESERVED_ID_PREFIX = "NEW-"  # simulated hires carry it; a census row must not collide with one
LEVEL_MIN, LEVEL_MAX = 1, 5
RATING_MIN, RATING_MAX = 1, 5
DEFAULT_RATING = 3  # "meets expectations": the rating used for a census without ratings


@dataclass(frozen=True)
class Column:
    """One column of the schema."""

    name: str
    kind: Kind
    required: bool = False
    stored: bool = True

    @property
    def synonyms(self) -> tuple[frozenset[str], ...]:
        """Tiers of normalised headers: the first tier found wins."""
        return tuple(frozenset(tier.split()) for tier in words()["headers"][self.name])


COLUMNS: tuple[Column, ...] = (
    Column("employee_id", "id", required=True),
    Column("hire_date", "date", required=True),
    Column("base_pay", "money", required=True),
    Column("job_title", "text", required=True),
    Column("department", "text", required=True),
    Column("level_id", "level"),
    Column("birth_date", "date"),
    Column("gender", "gender"),
    Column("ethnicity", "text"),
    Column("job_family", "text"),
    Column("location", "text"),
    Column("manager_id", "id"),
    Column("performance_rating", "rating"),
    Column("fte", "fte"),
    Column("termination_date", "date", stored=False),
    Column("active", "active", stored=False),
)
BY_NAME = {column.name: column for column in COLUMNS}
GROUPINGS = ("job_family", "location", "manager_id")  # no column of censuses that earlier versions wrote
OPTIONAL_FACTS = ("birth_date", "gender", "ethnicity", "performance_rating", *GROUPINGS)

ARROW_SCHEMA = pa.schema(
    [
        pa.field("employee_id", pa.string(), nullable=False),
        pa.field("hire_date", pa.date32(), nullable=False),
        pa.field("base_pay", MONEY, nullable=False),
        pa.field("job_title", pa.string(), nullable=False),
        pa.field("department", pa.string(), nullable=False),
        pa.field("level_id", pa.int32(), nullable=False),
        pa.field("birth_date", pa.date32()),
        pa.field("gender", pa.string()),
        pa.field("ethnicity", pa.string()),
        pa.field("performance_rating", pa.int32(), nullable=False),
        pa.field("fte", FTE, nullable=False),
        *(pa.field(name, pa.string()) for name in GROUPINGS),
    ]
)
LEVELS_SCHEMA = pa.schema(
    [
        pa.field("level_id", pa.int32(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("minimum", MONEY, nullable=False),
        pa.field("midpoint", MONEY, nullable=False),
        pa.field("maximum", MONEY, nullable=False),
    ]
)

_THINGS = "job position title role class department dept agency jurisdiction division unit team group organi"
_MORE_THINGS = "company employer location city county state country union plan grade level band code file"
_LAST_THINGS = "profile assignment supervisory cost"
_NAMED_THINGS = tuple(f"{_THINGS} {_MORE_THINGS} {_LAST_THINGS}".split())

INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060\ufeff]")


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """Return the words of payroll files: headers, states, units, blanks."""
    text = resources.files("planwise.census").joinpath("words.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


@lru_cache(maxsize=32)
def word_table(section: str) -> dict[str, str]:
    """Return the meaning of each folded word of a section, such as {"hourly": "hourly", "hr": "hourly"}."""
    return {word: meaning for meaning, listed in words()[section].items() for word in listed.split()}


def folded(text: str) -> str:
    """Return the text's letters and digits in lower case, without accents; `#` is "number"."""
    plain = unicodedata.normalize("NFKD", text.strip().replace("#", " number").replace("ß", "ss"))
    return re.sub(r"[^a-z0-9]", "", "".join(c for c in plain if not unicodedata.combining(c)).lower())


def plain_id(identifier: str) -> str:
    """Return an id in one Unicode form, without spaces, characters of no width or a spreadsheet's '."""
    return INVISIBLE.sub("", unicodedata.normalize("NFKC", identifier)).strip().removeprefix("'")


def loose_id(identifier: str) -> str:
    """Return what stays of an id that an export changes: no case, leading zeros, separators or `.0`."""
    plain = re.sub(r"[\s\-_./]", "", re.sub(r"(?<=\d)\.0+$", "", plain_id(identifier).casefold()))
    return plain.lstrip("0") or plain


# Behind a header: the number of a repeated one, a currency, a unit.
_BEHIND = re.compile(r"\s*[(\[](?P<inside>[^()\[\]]*)[)\]]$|[\s_]in[\s_](?P<currency>[A-Z]{3})$")


@lru_cache(maxsize=4096)
def normalise_header(header: str) -> str:
    """Return the header as compared with synonyms: folded, without ` (2)`, `(USD)` or `(annual)` behind it.

    A section of a report before it is left out, too: `Compensation: Pay rate` is a pay rate.
    """
    text = header.strip()
    if (found := _BEHIND.search(text)) is not None:
        inside = found["currency"] or found["inside"] or ""
        is_mark = re.fullmatch(r"\d+|[A-Z]{3}|[$€£]|", inside) is not None
        if is_mark or folded(inside) in word_table("units") or folded(inside) in _known("header_notes"):
            text = text[: found.start()]
    word = folded(text)
    section, mark, rest = re.sub(r"\s+[-–]\s+|:\s*", "\n", text, count=1).partition("\n")
    if mark and word not in _known("headers") and folded(section) in _known("header_sections"):
        return folded(rest) or word
    return word


@lru_cache(maxsize=8)
def _known(section: str) -> frozenset[str]:
    """Return all words of a section: a text, or tiers by column."""
    found = words()[section]
    if isinstance(found, str):
        return frozenset(found.split())
    return frozenset(word for tiers in found.values() for tier in tiers for word in tier.split())


def is_last_hire(header: str) -> bool:
    """Return whether a column has the day of the last hire, or of being hired again."""
    return normalise_header(header) in {word for tier in BY_NAME["hire_date"].synonyms[:2] for word in tier}


def is_direct_identifier(header: str) -> bool:
    """Return whether a column of this header identifies a person by itself (a name, an SSN, an address).

    It is hashed when mapped as the employee id, else dropped.
    """
    word = normalise_header(header)
    is_known = word in _known("headers") and word not in word_table("identifiers")
    names_a_person = "name" in word and not is_known and not any(thing in word for thing in _NAMED_THINGS)
    return word in word_table("identifiers") or names_a_person or "socialsecurity" in word


def person_headers(headers: Sequence[str]) -> tuple[str, ...]:
    """Return the headers from which a file without ids gets some: of a number, an e-mail or names."""
    table = word_table("identifiers")
    kinds: dict[str, list[str]] = {kind: [] for kind in words()["identifiers"]}
    for header in headers:
        if (kind := table.get(normalise_header(header))) is not None:
            kinds[kind].append(header)
    for kind in ("numbers", "emails"):
        if kinds[kind]:
            return (kinds[kind][0],)
    first, last, full = kinds["first_names"], kinds["last_names"], kinds["names"]
    if first and last:
        return (last[0], first[0])
    return tuple((full or last)[:1])
