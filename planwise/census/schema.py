"""The census schema: columns, types, required columns, and the words of payroll files."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

import pandas as pd
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
    Column("performance_rating", "rating"),
    Column("fte", "fte"),
    Column("termination_date", "date", stored=False),
    Column("active", "active", stored=False),
)
BY_NAME = {column.name: column for column in COLUMNS}
OPTIONAL_FACTS = ("birth_date", "gender", "ethnicity", "performance_rating")

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

# Headers that identify a person directly: hashed when mapped as the employee id, else dropped.
_NAMES = "name employeename fullname firstname lastname surname givenname familyname middlename legalname"
_MORE_NAMES = (
    "preferredname employeefirstname employeelastname personname staffname vorname nachname nom prenom"
)
_NUMBERS = "ssn socialsecuritynumber socialsecurityno socialsecurity nationalid nationalinsurancenumber taxid"
_MORE_NUMBERS = "sozialversicherungsnummer svnummer steuerid nir numerosecuritesociale passportnumber"
_CONTACTS = (
    "email emailaddress workemail personalemail phone phonenumber mobile homeaddress address apellidos"
)
_THINGS = "job position title role class department dept agency jurisdiction division unit team group organi"
_MORE_THINGS = "company employer location city county state country union plan grade level band code file"
_LAST_THINGS = "profile assignment supervisory cost"
_NAMED_THINGS = tuple(f"{_THINGS} {_MORE_THINGS} {_LAST_THINGS}".split())
DIRECT_IDENTIFIERS = frozenset(f"{_NAMES} {_MORE_NAMES} {_NUMBERS} {_MORE_NUMBERS} {_CONTACTS}".split())


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
    """Return an id in one Unicode form, without spaces around it and characters of no width."""
    return INVISIBLE.sub("", unicodedata.normalize("NFKC", identifier)).strip()


def loose_id(identifier: str) -> str:
    """Return what stays of an id when spreadsheets and exports change it: no case, leading zeros or `.0`."""
    plain = re.sub(r"(?<=\d)\.0+$", "", plain_id(identifier).casefold())
    return plain.lstrip("0") or plain


def normalise_header(header: str) -> str:
    """Return the header as compared with synonyms: folded, without a ` (2)` or `(USD)` behind it."""
    return folded(re.sub(r"\s*[(\[](\d+|[A-Z]{3}|[$€£])[)\]]$", "", header.strip()))


def is_direct_identifier(header: str) -> bool:
    """Return whether a column of this header identifies a person by itself (a name, an SSN, an address)."""
    word = normalise_header(header)
    names_a_person = "name" in word and not any(thing in word for thing in _NAMED_THINGS)
    return word in DIRECT_IDENTIFIERS or names_a_person or "socialsecurity" in word


# US social security numbers have no area 000, 666 or 9xx, no group 00, no serial 0000.
SSN = r"^(?!000|666|9)\d{3}([- ]?)(?!00)\d{2}\1(?!0000)\d{4}$"
EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"


def identify_people(values: pd.Series) -> bool:
    """Return whether most values look like US social security numbers, dashed or not, or e-mail addresses."""
    filled = values[values != ""].str.strip()
    return len(filled) > 0 and any(bool(filled.str.match(kind).mean() > 0.5) for kind in (SSN, EMAIL))
