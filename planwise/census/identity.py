"""Who is who: ids that name people are hashed, files without ids get some, spellings of one are noticed."""

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from planwise.census.registry import census_in_use, load_census
from planwise.census.schema import loose_id, plain_id, words
from planwise.errors import InputError
from planwise.formatting import counted
from planwise.settings import Settings
from planwise.storage import create_file

KEY_FILE = "identity.key"
KEY_BYTES = 32
ID_HEX_DIGITS = 20  # 80 bits: no collision to expect among a million people
IDS_NAMED = 3
EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"
SEPARATORS = re.compile(r"[\s\-–./]")
# What a spreadsheet leaves of a long number; its last digits are lost.
SHORTENED = r"\d(?:[.,]\d+)?[Ee]\+\d{1,3}"


def installation_key(home: Path) -> bytes:
    """Return the key of this installation, created on first use (mode 0600); it links ids to people."""
    path = home / KEY_FILE
    if not path.exists():
        create_file(path, secrets.token_bytes(KEY_BYTES))
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise InputError(
            f"{path} is damaged: {len(key)} bytes, not {KEY_BYTES}.", remedy="Restore it from a backup."
        )
    return key


def pseudonyms(identifiers: pd.Series, key: bytes) -> pd.Series:
    """Return `H` and a keyed hash per identifier, whatever its case and punctuation; blank stays blank."""

    def pseudonym(identifier: str) -> str:
        canonical = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", identifier).casefold())
        return (
            f"H{hmac.new(key, canonical.encode(), hashlib.sha256).hexdigest()[:ID_HEX_DIGITS]}"
            if canonical
            else ""
        )

    codes, distinct = pd.factorize(identifiers)
    return (
        pd.Series([pseudonym(str(d)) for d in distinct], dtype=object).take(codes).set_axis(identifiers.index)
    )


def identify_people(values: pd.Series) -> bool:
    """Return whether most values are written like a country's number of a person, or an e-mail address.

    Spaces, dashes and dots in them do not matter.
    """
    filled = values[values != ""]
    if filled.empty:
        return False
    numbers = filled.str.replace(SEPARATORS, "", regex=True).str.upper()
    is_number = numbers.str.fullmatch("|".join(words()["person_numbers"]))
    return bool(max(is_number.mean(), filled.str.strip().str.fullmatch(EMAIL).mean()) > 1 / 2)


def person_ids(people: pd.DataFrame, key: bytes) -> pd.Series:
    """Return one pseudonym per person, known by all columns of `people`; blank without a name."""
    blanks = frozenset(words()["blanks"])
    parts = [people[name].where(~people[name].str.casefold().isin(blanks), "") for name in people]
    plain = [part.map({text: re.sub(r"[\W_]", "", str(text)) for text in part.unique()}) for part in parts]
    joined = plain[0]
    for part in plain[1:]:
        joined = joined + "x1fx" + part  # a mark between the parts
    return pseudonyms(joined.where(plain[0] != "", ""), key)


def numbered(ids: pd.Series, texts: pd.DataFrame, hired: pd.Series) -> tuple[pd.Series, str | None]:
    """Return ids in which people with one id are numbered by hire date (`-2`, `-3`), and a note.

    Rows that are equal in every column are copies of one person, not numbered.
    """
    copies = texts.duplicated(keep="first") | (ids == "")
    order = pd.DataFrame({"id": ids, "hired": hired.to_numpy()})[~copies.to_numpy()]
    place = order.sort_values(["id", "hired"], kind="stable").groupby("id").cumcount()
    later = place[place > 0]
    if later.empty:
        return ids, None
    same_day = order[order.duplicated(["id", "hired"], keep=False)]
    ids = ids.copy()
    ids.loc[later.index] = ids.loc[later.index] + "-" + (later + 1).astype(str)
    sharing = counted(len(later), "person shares", "people share")
    note = f"{sharing} the id of another: numbered by hire date (-2, -3, …)."
    return ids, note + (
        f" {counted(len(same_day), 'of them was', 'of them were')} hired on one day, too: their "
        f"numbers follow the file's order."
        if len(same_day)
        else ""
    )


def manager_ids(managers: pd.Series, ids: pd.Series, key: Callable[[], bytes]) -> tuple[pd.Series, list[str]]:
    """Return who each row's manager is: an id of the file where it names one, else a keyed hash; and a note.

    `ids` are the employee ids as they are stored. Blank stays blank.
    """
    known = {loose_id(str(identifier)): identifier for identifier in reversed(ids.unique()) if identifier}
    blanks = frozenset(words()["blanks"]) | {""}
    filled = managers.where(~managers.str.strip().str.casefold().isin(blanks), "")
    distinct = pd.Series(filled[filled != ""].unique(), dtype=object)
    found = distinct.map(lambda text: known.get(loose_id(str(text))))
    others = distinct[found.isna()]
    if len(others):
        found = found.fillna(pseudonyms(others, key()))
    outside = int((~found.isin(set(ids))).sum())
    notes = (
        [f"{counted(outside, 'manager is', 'managers are')} not in the file by id: keyed hashes are stored."]
        if outside
        else []
    )
    return filled.map(dict(zip(distinct, found, strict=True))).fillna("").astype(object), notes


def id_spellings(ids: pd.Series) -> tuple[pd.Series, list[str]]:
    """Return ids in one spelling, and notes on those that spell one id, or two people, nearly alike.

    Raises InputError where a spreadsheet has shortened long ids.
    """
    distinct = pd.Series(ids.unique(), dtype=object)
    if (short := distinct[distinct.str.fullmatch(SHORTENED)]).any():
        raise InputError(
            f"employee_id: {short.iloc[0]!r} is what a spreadsheet leaves of a long number; digits are lost.",
            remedy="Export the ids as text.",
        )
    plain = distinct.map(lambda text: plain_id(str(text)))
    filled = plain[plain != ""]
    if len(filled) and filled.str.fullmatch(r"\d+\.0+").all():
        plain = plain.str.replace(r"\.0+$", "", regex=True)
    one, two = plain.str.casefold(), plain.map(loose_id)
    spelled = one.duplicated(keep=False) & (one != "")
    notes = [
        *_alike(
            distinct[spelled],
            one,
            "differ only by case, Unicode form or characters without width: one person",
        ),
        *_alike(
            distinct[two.duplicated(keep=False) & ~spelled & (two != "")],
            two,
            "differ only by leading zeros, separators or .0: they count as two people",
        ),
    ]
    return ids.map(dict(zip(distinct, plain, strict=True))).astype(object), notes


def _alike(ids: pd.Series, keys: pd.Series, what: str) -> list[str]:
    if ids.empty:
        return []
    groups = ids.groupby(keys[ids.index], sort=False).agg(lambda group: " and ".join(map(ascii, group)))
    more = f" and {len(groups) - IDS_NAMED:,} more" if len(groups) > IDS_NAMED else ""
    return [f"Ids {'; '.join(groups.head(IDS_NAMED))}{more} {what}."]


def changed_ids(settings: Settings, ids: pd.Series) -> list[str]:
    """Return a note where ids match those of the census in use only without case, leading zeros or `.0`."""
    try:
        name = census_in_use(settings)
        if name is None:
            return []
        census = pd.read_parquet(load_census(settings, name).census_file, columns=["employee_id"])
    except InputError as error:  # importing is what mends it
        return [f"The ids are not compared with the census in use. {error.what}"]
    known = set(census["employee_id"])
    new, old = set(ids) - known, known - set(ids)
    changed = {loose_id(identifier) for identifier in new} & {loose_id(identifier) for identifier in old}
    if not changed:
        return []
    return [
        f"{counted(len(changed), 'id matches one', 'ids match those')} of {name}, the census in use, "
        f"only without case, leading zeros, "
        "separators or .0: a comparison by id takes them for other people. Export ids as text."
    ]
