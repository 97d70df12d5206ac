"""Calculates a workbook's formulas from its values, as a spreadsheet would; knows the few that are used."""

import re

import openpyxl
import pytest
from openpyxl.utils import range_boundaries

REFERENCE = re.compile(r"(?:'([^']+)'!)?([A-Z]+[0-9]+(?::[A-Z]+[0-9]+)?)")
FUNCTIONS = {"SUM", "SUMPRODUCT", "IF", "ABS"}
TEXT = '""'


class Workbook:
    """`value` is what a cell shows, calculated from the formulas; `shown` is what the file says it shows."""

    def __init__(self, file):
        self.book = openpyxl.load_workbook(file)
        self.cached = openpyxl.load_workbook(file, data_only=True)
        self._known = {}

    def formulas(self):
        return [
            (sheet.title, cell.coordinate)
            for sheet in self.book
            for row in sheet.iter_rows()
            for cell in row
            if cell.data_type == "f"
        ]

    def shown(self, sheet, cell):
        return self.cached[sheet][cell].value

    def value(self, sheet, cell):
        if (sheet, cell) not in self._known:
            found = self.book[sheet][cell]
            is_formula = found.data_type == "f"
            self._known[sheet, cell] = self._calculate(sheet, found.value) if is_formula else found.value
        return self._known[sheet, cell]

    def check(self, at_least, rel, near):
        """Calculate every formula; each gives what the file says its cell shows."""
        formulas = self.formulas()
        assert len(formulas) > at_least
        for sheet, cell in formulas:
            value, shown = self.value(sheet, cell), self.shown(sheet, cell)
            expected = (None, "") if value == "" else (pytest.approx(value, rel=rel, abs=near),)
            assert shown in expected, (sheet, cell)

    def checks(self):
        """Return the rows of the sheet "Notes" that hold a sum calculated in two ways."""
        notes = list(self.cached["Notes"].iter_rows(values_only=True))
        start = next(index for index, row in enumerate(notes) if row[0] == "check")
        return [row for row in notes[start + 1 :] if row[0]]

    def _calculate(self, sheet, formula):
        text = formula.removeprefix("=")
        assert set(re.findall(r"[A-Z]+(?=\()", text)) <= FUNCTIONS, formula
        values = {}

        def name(found):
            key = f"v{len(values)}"
            values[key] = self._get(found[1] or sheet, found[2])
            return key

        code = REFERENCE.sub(name, text).replace("^", "**").replace("=", "==")
        code = re.sub(r"IF\(([^,]+),\"\",(.+)\)$", r"('' if \1 else \2)", code)
        scope = {"SUM": _sum, "SUMPRODUCT": _sumproduct, "ABS": abs}
        return eval(code, scope, values)

    def _get(self, sheet, reference):
        if ":" not in reference:
            value = self.value(sheet, reference)
            return 0 if value is None else value
        left, top, right, bottom = range_boundaries(reference)
        cells = self.book[sheet].iter_rows(top, bottom, left, right)
        return [self.value(sheet, cell.coordinate) for row in cells for cell in row]


def _sum(values):
    values = values if isinstance(values, list) else [values]
    return sum(value for value in values if isinstance(value, int | float))


def _sumproduct(left, right):
    left, right = ([v or 0 for v in (s if isinstance(s, list) else [s])] for s in (left, right))
    return sum(a * b for a, b in zip(left, right, strict=True))
