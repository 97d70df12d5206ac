"""The census schema: columns, types, required columns and header synonyms."""

import re
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

Kind = Literal["id", "date", "money", "text", "level", "rating", "fte", "gender", "active"]

MONEY = pa.decimal128(14, 2)
FTE = pa.decimal128(5, 4)
RESERVED_ID_PREFIX = "NEW-"  # simulated hires carry it; a census row must not collide with one
LEVEL_MIN, LEVEL_MAX = 1, 5
RATING_MIN, RATING_MAX = 1, 5
DEFAULT_RATING = 3  # "meets expectations": the rating used for a census without ratings


@dataclass(frozen=True)
class Column:
    """One column of the schema; `synonyms` are tiers of normalised headers: the first tier found wins."""

    name: str
    kind: Kind
    required: bool
    synonyms: tuple[frozenset[str], ...]
    stored: bool = True


def _tiers(*tiers: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(tier.split()) for tier in tiers)


COLUMNS: tuple[Column, ...] = (
    Column(
        "employee_id",
        "id",
        True,
        _tiers("employeeid empid employeenumber employeeno personid staffid workerid personnelnumber", "id"),
    ),
    Column(
        "hire_date",
        "date",
        True,
        _tiers(
            "hiredate dateofhire datehired datefirsthired originalhiredate",
            "startdate employmentstartdate joindate dateofjoining hired",
        ),
    ),
    Column(
        "base_pay",
        "money",
        True,
        _tiers(
            "basepay basesalary annualsalary currentannualsalary annualbasepay annualbasesalary",
            "salary annualpay annualrate pay basecompensation",
        ),
    ),
    Column(
        "job_title",
        "text",
        True,
        _tiers("jobtitle positiontitle employeepositiontitle jobname", "title position job role occupation"),
    ),
    Column(
        "department",
        "text",
        True,
        _tiers(
            "departmentname deptname", "department dept", "agency agencyname division businessunit unit team"
        ),
    ),
    Column("level_id", "level", False, _tiers("levelid joblevel", "level")),
    Column("birth_date", "date", False, _tiers("birthdate dateofbirth dob birthday")),
    Column("gender", "gender", False, _tiers("gender sex")),
    Column("ethnicity", "text", False, _tiers("ethnicity raceethnicity ethnicgroup", "race")),
    Column(
        "performance_rating",
        "rating",
        False,
        _tiers("performancerating perfrating", "rating reviewrating performance"),
    ),
    Column("fte", "fte", False, _tiers("fte fulltimeequivalent")),
    Column(
        "termination_date",
        "date",
        False,
        _tiers("terminationdate termdate separationdate dateterminated leavedate leavingdate", "enddate"),
        stored=False,
    ),
    Column(
        "active", "active", False, _tiers("active isactive employmentstatus employeestatus"), stored=False
    ),
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
_MORE_NAMES = "preferredname employeefirstname employeelastname personname staffname"
_NUMBERS = "ssn socialsecuritynumber socialsecurityno socialsecurity nationalid nationalinsurancenumber taxid"
_CONTACTS = "passportnumber email emailaddress workemail phone phonenumber mobile homeaddress address"
_THINGS = "job position title role class department dept agency jurisdiction division unit team group organi"
_MORE_THINGS = "company employer location city county state country union plan grade level band code file"
_NAMED_THINGS = tuple(f"{_THINGS} {_MORE_THINGS}".split())
DIRECT_IDENTIFIERS = frozenset(f"{_NAMES} {_MORE_NAMES} {_NUMBERS} {_CONTACTS}".split())


def normalise_header(header: str) -> str:
    """Return the header as compared with synonyms: lower-case letters and digits, without a ` (2)` suffix."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"\s\(\d+\)$", "", header.strip()).lower())


def is_direct_identifier(header: str) -> bool:
    """Return whether a column of this header identifies a person by itself (a name, an SSN, an address)."""
    word = normalise_header(header)
    names_a_person = "name" in word and not any(thing in word for thing in _NAMED_THINGS)
    return word in DIRECT_IDENTIFIERS or names_a_person or "socialsecurity" in word
