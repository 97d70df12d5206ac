"""Verify a ledger's chain of events: one file, standard library only, so that an auditor can run it alone.

    python verifier.py EXPORT.jsonl [--anchor HASH ...] [--key-file FILE]

The export is that of `planwise audit export`: a line with the head, then one event a line. An event's hash is
SHA-256 (HMAC-SHA-256 where it was signed with a key) of its fields and of the hash before it.
"""

import argparse
import hashlib
import hmac
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FORMAT = "planwise-ledger-1"
FIRST = "0" * 64  # the hash before the first event
FIELDS = (
    *("sequence", "at", "actor", "role", "type", "scenario", "subject", "payload", "key_id"),
    "previous_hash",
)


@dataclass(frozen=True)
class ChainCheck:
    """Whether a chain is whole; `first_broken` is the sequence of the first event that is not as recorded."""

    ok: bool
    events: int
    head: str
    first_broken: int | None = None
    problem: str = ""


def key_id(key: bytes | None) -> str:
    """Return what names a key in the events that it signed; empty for none."""
    return "" if key is None else hashlib.sha256(b"planwise " + key).hexdigest()[:16]


def event_hash(row: Mapping[str, Any], key: bytes | None) -> str:
    """Return the hash of an event's fields; `payload` is the stored text."""
    text = json.dumps([FORMAT, *(row[name] for name in FIELDS)], ensure_ascii=False, separators=(",", ":"))
    content = text.encode()
    if key is None:
        return hashlib.sha256(content).hexdigest()
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def check_chain(
    rows: Iterable[Mapping[str, Any]],
    head: tuple[int, str],
    *,
    anchors: Sequence[str] = (),
    key: bytes | None = None,
) -> ChainCheck:
    """Check every event in order, then the head, then that each anchored hash is one of the chain."""
    count, last, signed = 0, FIRST, False
    missing = set(anchors)

    def broken(sequence: int, problem: str) -> ChainCheck:
        return ChainCheck(False, count, last, sequence, problem)

    for row in rows:
        if problem := _problem(row, count + 1, last, key, signed=signed):
            return broken(count + 1, problem)
        count, last, signed = count + 1, row["hash"], bool(row["key_id"])
        missing.discard(last)
    sequence, hashed = head
    if sequence > count:
        return broken(count + 1, f"events {count + 1} to {sequence} are missing at the end")
    if sequence < count:
        return broken(sequence + 1, f"event {sequence + 1} was added past the recorded head")
    if hashed != last:
        return broken(max(count, 1), "the recorded head is not the hash of the last event")
    if missing:
        first = next(anchor for anchor in anchors if anchor in missing)
        return broken(
            max(count, 1), f"the anchored head {first} is not in this ledger: it was replaced or shortened"
        )
    if key is not None and count and not signed:
        return broken(count, f"event {count} is not signed although there is a key")
    return ChainCheck(True, count, last)


def _problem(row: Mapping[str, Any], expected: int, last: str, key: bytes | None, *, signed: bool) -> str:
    """Return what is wrong with the event that should come now; empty for nothing."""
    found = row["sequence"]
    problems = (
        (found > expected, f"event {expected} is missing"),
        (found < expected, f"event {found} is there twice"),
        (row["previous_hash"] != last, f"event {expected} does not continue event {expected - 1}"),
        (row["key_id"] and key is None, f"event {expected} is signed: its key is needed to verify it"),
        (row["key_id"] not in ("", key_id(key)), f"event {expected} is signed with another key"),
        (signed and not row["key_id"], f"event {expected} is not signed, but the one before it is"),
        (
            event_hash(row, key if row["key_id"] else None) != row["hash"],
            f"event {expected} was changed after it was recorded",
        ),
    )
    return next((text for is_so, text in problems if is_so), "")


def read_export(file: Path) -> tuple[tuple[int, str], list[dict[str, Any]]]:
    """Return head and events of an export; raises ValueError for a file that is not one."""
    with file.open(encoding="utf-8") as lines:
        header = json.loads(next(lines, "null"))
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise ValueError(f"{file} is not an export of a ledger ({FORMAT})")
        events = [json.loads(line) for line in lines if line.strip()]
    if wrong := [number for number, row in enumerate(events, 1) if {*FIELDS, "hash"} - set(row)]:
        raise ValueError(f"line {wrong[0] + 1} of {file} is not an event")
    return (int(header["events"]), str(header["head"])), events


def main() -> int:
    """Verify an export; return 0 when it is whole, 1 when it is not, 2 when it cannot be read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("export", type=Path)
    parser.add_argument("--anchor", action="append", default=[], help="a head noted earlier")
    parser.add_argument("--key-file", type=Path, help="the key that events were signed with")
    options = parser.parse_args()
    try:
        key = options.key_file.read_bytes().strip() if options.key_file else None
        head, events = read_export(options.export)
        found = check_chain(events, head, anchors=options.anchor, key=key)
    except (OSError, ValueError, TypeError) as error:
        sys.stderr.write(f"{options.export} cannot be verified: {error}\n")
        return 2
    sys.stdout.write(json.dumps(asdict(found)) + "\n")
    return 0 if found.ok else 1


if __name__ == "__main__":
    sys.exit(main())
