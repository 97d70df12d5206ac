"""What a report is made of: plain values that either format renders, and escapes, in its own way."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Tone = Literal["", "good", "warn", "bad"]


@dataclass(frozen=True)
class Fact:
    """One figure that is read first: a label, its value, a remark, and whether it is good news."""

    label: str
    value: str
    remark: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Facts:
    """The figures that are read first."""

    facts: Sequence[Fact]


@dataclass(frozen=True)
class Text:
    """A paragraph; `tone` marks a warning."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True)
class Code:
    """Commands or other verbatim text."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of texts; the first `texts` columns are words, aligned left, the others figures, aligned right.

    `fold` hides it behind its caption on a screen (never in print, nor in Markdown).
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1
    total: bool = False
    fold: bool = False


@dataclass(frozen=True)
class Chart:
    """A picture; `name` is its file's in Markdown, `caption` says what is seen."""

    name: str
    caption: str
    svg: str


Block = Facts | Text | Code | Table | Chart


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: Sequence[Block] = field(default_factory=list)


@dataclass(frozen=True)
class Document:
    """A report: its title, what it is about, the answer in one sentence, and its sections."""

    title: str
    subtitle: str
    answer: str
    answer_tone: Tone
    sections: Sequence[Section]

    @property
    def charts(self) -> list[Chart]:
        """Every chart, in order."""
        return [block for section in self.sections for block in section.blocks if isinstance(block, Chart)]
