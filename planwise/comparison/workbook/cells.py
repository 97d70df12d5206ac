"""Cells and live formulas: each formula carries the value it gives, so that every reader sees a figure.

A formula is only ever made of cell addresses; no text of a user gets into one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

PP = 100


@dataclass(frozen=True)
class Ref:
    """A written cell: its sheet's name, row and column (from 0), and its value; None is an empty cell."""

    sheet: str
    row: int
    column: int
    value: float | None

    def address(self, sheet: str) -> str:
        """Return the address as a formula on `sheet` names it."""
        cell = xl_rowcol_to_cell(self.row, self.column)
        return cell if sheet == self.sheet else f"'{self.sheet}'!{cell}"


@dataclass(frozen=True)
class Formula:
    """What a cell computes: its text, given the sheet it is on, and the value.

    None shows as nothing: a `guarded` formula says so itself, another is not written.
    """

    text: Callable[[str], str]
    value: float | None
    guarded: bool = False


def same(ref: Ref) -> Formula:
    """Return the cell itself."""
    return Formula(ref.address, ref.value)


def total(refs: Sequence[Ref]) -> Formula:
    """Return the sum of neighbouring cells, as a range."""
    value = sum(ref.value for ref in refs if ref.value is not None)
    return Formula(lambda sheet: f"SUM({_range(refs, sheet)})", value)


def minus(ref: Ref, base: Ref, factor: int = 1) -> Formula:
    """Return the difference of two cells; with factor PP, of two rates in percentage points."""
    value = None if ref.value is None or base.value is None else (ref.value - base.value) * factor

    def text(sheet: str) -> str:
        difference = f"{ref.address(sheet)}-{base.address(sheet)}"
        return difference if factor == 1 else f"({difference})*{factor}"

    return Formula(text, value)


def share_of_change(ref: Ref, base: Ref) -> Formula:
    """Return the difference as a share of the base; nothing where the base is 0."""
    value = None
    if ref.value is not None and base.value:
        value = (ref.value - base.value) / abs(base.value)

    def text(sheet: str) -> str:
        own, of = ref.address(sheet), base.address(sheet)
        return f'IF({of}=0,"",({own}-{of})/ABS({of}))'

    return Formula(text, value, guarded=ref.value is not None)


def ratio(ref: Ref, base: Ref) -> Formula:
    """Return one cell divided by another; nothing where that is 0."""
    value = None if ref.value is None or not base.value else ref.value / base.value

    def text(sheet: str) -> str:
        own, of = ref.address(sheet), base.address(sheet)
        return f'IF({of}=0,"",{own}/{of})'

    return Formula(text, value, guarded=ref.value is not None)


def growth(ref: Ref, before: Ref, years: int = 1) -> Formula:
    """Return the growth from one cell to another, a year; nothing where that is 0."""
    value = None
    if ref.value is not None and before.value:
        value = (ref.value / before.value) ** (1 / years) - 1

    def text(sheet: str) -> str:
        own, of = ref.address(sheet), before.address(sheet)
        power = f"({own}/{of})^(1/{years})" if years > 1 else f"{own}/{of}"
        return f'IF({of}=0,"",{power}-1)'

    return Formula(text, value, guarded=ref.value is not None)


def weighted_mean(values: Sequence[Ref], weights: Sequence[Ref]) -> Formula:
    """Return the mean of neighbouring cells, weighted by others beside them; nothing without weight."""
    pairs = [(v.value, w.value) for v, w in zip(values, weights, strict=True) if v.value is not None]
    weight = sum(ref.value or 0 for ref in weights)
    value = sum(v * (w or 0) for v, w in pairs) / weight if weight else None

    def text(sheet: str) -> str:
        own, of = _range(values, sheet), _range(weights, sheet)
        return f'IF(SUM({of})=0,"",SUMPRODUCT({own},{of})/SUM({of}))'

    return Formula(text, value, guarded=True)


def plus_minus(added: Sequence[Ref], subtracted: Sequence[Ref]) -> Formula:
    """Return cells added, others subtracted."""
    value = sum(ref.value or 0 for ref in added) - sum(ref.value or 0 for ref in subtracted)

    def text(sheet: str) -> str:
        return "+".join(ref.address(sheet) for ref in added) + "".join(
            f"-{ref.address(sheet)}" for ref in subtracted
        )

    return Formula(text, value)


class Page:
    """A sheet that is being written; what it writes as text stays text, whatever it begins with."""

    def __init__(self, sheet: Worksheet) -> None:
        self.sheet = sheet
        self.name = str(sheet.get_name())

    def text(self, row: int, column: int, text: object, style: Format | None = None) -> None:
        """Write text."""
        self.sheet.write_string(row, column, str(text), style)

    def number(self, row: int, column: int, value: Any, style: Format | None = None) -> Ref:
        """Write a number; nothing for None."""
        figure = None if value is None else float(value) if isinstance(value, Decimal | float) else value
        if figure is None:
            self.sheet.write_blank(row, column, None, style)
        else:
            self.sheet.write_number(row, column, figure, style)
        return Ref(self.name, row, column, figure)

    def formula(self, row: int, column: int, formula: Formula, style: Format | None = None) -> Ref:
        """Write a formula with its value; an empty cell where it has none."""
        if formula.value is None and not formula.guarded:
            self.sheet.write_blank(row, column, None, style)
        else:
            value = "" if formula.value is None else formula.value
            self.sheet.write_formula(row, column, f"={formula.text(self.name)}", style, value)
        return Ref(self.name, row, column, formula.value)


def headings(fixed: Sequence[str], scenarios: Sequence[str]) -> list[str]:
    """Return a table's headers: a scenario that is called like a fixed one says that it is a scenario.

    Excel refuses a table with two equal headers.
    """
    return [*fixed, *(f"scenario {name}" if name in fixed else name for name in scenarios)]


def _range(refs: Sequence[Ref], sheet: str) -> str:
    first, last = refs[0], refs[-1]
    end = xl_rowcol_to_cell(last.row, last.column)
    return first.address(sheet) if first == last else f"{first.address(sheet)}:{end}"
