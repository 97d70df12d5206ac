"""Delimited text of any dialect: encoding, delimiter, line ends (bare CR too) and quotes."""

import codecs
import csv
import io
from collections.abc import Sequence

from charset_normalizer import from_bytes

from planwise.errors import InputError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ENCODING_SAMPLE_BYTES = 200_000  # enough for the detector, which is slow on large files
DIALECT_SAMPLE_RECORDS = 50
FIELD_CHARACTERS_MAX = 100_000  # a longer field is an unclosed quote

Records = list[tuple[int, Sequence[str]]]


def read_csv(content: bytes, file_name: str) -> tuple[Records, dict[str, str]]:
    """Return (line, fields) per record and the encoding and delimiter found; raises InputError."""
    text, encoding = decode(content, file_name)
    delimiter = _delimiter(text)
    try:
        records = _parse(text, delimiter)
    except csv.Error as error:
        raise InputError(
            f"{file_name} is not readable as text with fields: {error}.",
            remedy="Look for a quote that is opened and not closed, or export the file again.",
        ) from error
    last = records[-1][1][-1] if records and records[-1][1] else ""
    if any(end in last for end in "\r\n") and not text.rstrip().endswith('"'):
        raise InputError(
            f"{file_name}: a quote is opened and not closed before the end of the file.",
            remedy="Close the quote, or export the file again.",
        )
    return records, {"encoding": encoding, "delimiter": DELIMITERS[delimiter]}


def decode(content: bytes, file_name: str) -> tuple[str, str]:
    """Return the text and its encoding: byte-order mark, else UTF-8, else the detector's best guess."""
    for mark, encoding in BOMS:
        if content.startswith(mark):
            return _decoded(content, encoding, file_name), encoding
    if b"\0" in content[:ENCODING_SAMPLE_BYTES]:
        return _decoded(content, _wide_encoding(content, file_name), file_name), _wide_encoding(
            content, file_name
        )
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    # Most of a payroll is ASCII: the lines that are not tell the encoding.
    telling = b"\n".join(line for line in content.splitlines() if not line.isascii())[:ENCODING_SAMPLE_BYTES]
    match = from_bytes(telling).best()
    if match is None:
        raise InputError(f"{file_name} is not text in a known encoding.", remedy="Save it as UTF-8 CSV.")
    return _decoded(content, match.encoding, file_name), match.encoding


def _wide_encoding(content: bytes, file_name: str) -> str:
    sample = content[:ENCODING_SAMPLE_BYTES]
    odd, even = sample[1::2].count(0), sample[::2].count(0)
    if max(odd, even) > len(sample) / 5:
        return "utf-16-le" if odd > even else "utf-16-be"
    raise InputError(f"{file_name} holds NUL bytes and is not text.", remedy="Give CSV, Excel or Parquet.")


def _decoded(content: bytes, encoding: str, file_name: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file_name} is not valid {encoding} at byte {error.start}.", remedy="Save it as UTF-8 CSV."
        ) from error


def _parse(text: str, delimiter: str, limit: int | None = None) -> Records:
    csv.field_size_limit(FIELD_CHARACTERS_MAX)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    if limit is None:
        return [(reader.line_num, fields) for fields in reader]
    return [(reader.line_num, fields) for fields, _ in zip(reader, range(limit), strict=False)]


def _delimiter(text: str) -> str:
    """Choose the delimiter with which most records have the header's number of fields, and most fields."""

    def score(delimiter: str) -> tuple[int, int]:
        try:
            sample = [fields for _, fields in _parse(text, delimiter, DIALECT_SAMPLE_RECORDS)]
        except csv.Error:  # said when the whole is read
            return (0, text.splitlines()[0].count(delimiter) + 1)
        records = [fields for fields in sample if any(map(str.strip, fields))] or sample
        width = len(records[0]) if records else 0
        return (sum(len(fields) == width for fields in records) if width > 1 else 0, width)

    return max(DELIMITERS, key=score)
