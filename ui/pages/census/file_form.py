"""What is stated about a payroll file: columns, units and formats, levels and their names, as YAML too."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from itertools import pairwise
from typing import Any

import panel as pn
import panel_material_ui as pmui
import yaml

from planwise.errors import PlanWiseError
from planwise.formatting import count
from ui.components import html
from ui.components.card import FRAME
from ui.components.page import PARTS, UpdateGuard, show
from ui.session import Session
from ui.values.census import COLUMN_WORDS, DATE_COLUMNS, DATE_FORMATS, NO_CONSTANT, NUMBER_FORMATS, UNITS

NONE, CONSTANT, HEADER = "none", "constant", "header:"
NOT_THERE, ONE_VALUE = "— not in the file —", "— one value for all rows —"
BY_COLUMN = "column:"
TITLES = "titles"
LEVELS = {
    "As found in the file": "",
    "Pay bands, from the pay in this file": "pay-quantiles",
    "Pay ranges that I state": "ranges",
    "By job title": TITLES,
}
FIELD: dict[str, Any] = {"size": "small", "sizing_mode": "stretch_width", "margin": 0}
HELP = {"currency": "Rows in another one are rejected"}
GRID: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "margin": 0,
    "stylesheets": [
        ":host { display: grid; gap: 14px 16px; align-items: start; max-height: none; margin-top: 6px; "
        "grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); }"
    ],
}
LEVEL_GRID: dict[str, Any] = {
    **GRID,
    "stylesheets": [
        ":host { display: grid; gap: 12px 16px; align-items: center; max-height: none; margin-top: 6px; "
        "grid-template-columns: minmax(180px, 2fr) repeat(2, minmax(120px, 1fr)) minmax(150px, 1fr); }"
    ],
}
Stated = dict[str, Any]


class FileForm:
    """The statements about one file, as the mapping has them; `on_change` is called after each change."""

    def __init__(self, session: Session, on_change: Callable[[], None]) -> None:
        self._session = session
        self._on_change = on_change
        self._filling = UpdateGuard()
        self._found: Mapping[str, Any] = {}
        self._open_constants: set[str] = set()
        self.stated: Stated = {}
        self._columns = {name: _ColumnField(name, self._column_chosen) for name in COLUMN_WORDS}
        self._options = self._make_options()
        self.as_of = self._options["as_of"]
        self._levels = pmui.Select(label="Levels", options=LEVELS, value="", **FIELD)
        self._levels.param.watch(self._levels_chosen, "value")
        self._levels_from = html.pane("")
        self._names = pn.Column(**LEVEL_GRID)
        self._rows: dict[int, _LevelRow] = {}
        self._titles = pmui.TextAreaInput(
            label="Job title: level (1 is the lowest), one a line", rows=8, visible=False, **FIELD
        )
        self._titles.param.watch(self._titles_stated, "value")
        self._yaml = pmui.TextAreaInput(label="Mapping (YAML)", rows=8, **FIELD)
        self._apply = pmui.Button(label="Apply the YAML", variant="outlined", size="small", margin=0)
        self._apply.on_click(self._apply_yaml)
        self._problem = html.pane("", visible=False)
        self.columns = self._card(
            "Columns",
            "Recognised by their headers; change what is wrong. Required ones have an asterisk",
            pn.Column(*(field.layout for field in self._columns.values()), **GRID),
        )
        self.options = self._card(
            "Units, formats and rows",
            "Found in the file; state what was read wrongly",
            pn.Column(*(field for field in self._options.values() if field is not self.as_of), **GRID),
            pmui.Accordion(
                ("The mapping as YAML", pn.Column(self._yaml, self._apply, self._problem, **PARTS)),
                title_variant="body2",
                disable_gutters=True,
                sizing_mode="stretch_width",
                margin=0,
                sx={
                    "boxShadow": "none",
                    "backgroundImage": "none",
                    "border": "1px solid",
                    "borderColor": "divider",
                },
            ),
        )
        self.levels = self._card(
            "Levels and their names",
            "The names are shown everywhere: in plans, results and reports",
            self._levels,
            self._levels_from,
            self._titles,
            self._names,
        )

    def reset(self) -> None:
        """Begin with another file, without statements."""
        self.stated, self._found = {}, {}
        self._open_constants.clear()
        self._fill()

    def show(self, found: Mapping[str, Any]) -> None:
        """Show what a check found beside what is stated."""
        self._found = found
        self._fill()

    def take(self, stated: Mapping[str, Any]) -> None:
        """Make a mapping the statements."""
        self.stated = dict(stated)
        self._changed()

    def _card(self, title: str, subtitle: str, *parts: Any) -> Any:
        return pmui.Paper(pn.Column(html.pane(html.card_heading(title, subtitle)), *parts, **PARTS), **FRAME)

    def _make_options(self) -> dict[str, Any]:
        units = {"As found (a year)": "", **{unit.capitalize(): unit for unit in UNITS}}
        fields: dict[str, Any] = {
            "as_of": pmui.TextInput(
                label="Census date", placeholder="YYYY-MM-DD", size="small", width=170, margin=0
            ),
            "pay_unit": pmui.Select(label="Unit of pay", options=units, value="", **FIELD),
            "hours_per_year": pmui.TextInput(
                label="Hours of a full-time year", placeholder="2080", helper_text="For hourly pay", **FIELD
            ),
            "pay_is": pmui.Select(
                label="Pay of part-timers is",
                options={"As found": "", "Full-time pay": "full-time", "What they are paid": "paid"},
                value="",
                **FIELD,
            ),
            "currency": pmui.TextInput(label="Currency", placeholder="USD", **FIELD),
            "date_format": pmui.Select(label="Dates", options=dict(DATE_FORMATS), value="", **FIELD),
            "number_format": pmui.Select(label="Amounts", options=dict(NUMBER_FORMATS), value="", **FIELD),
            "encoding": pmui.TextInput(label="Encoding of a text file", placeholder="utf-8", **FIELD),
            "skip_rows": pmui.TextInput(label="Lines above the header", placeholder="0", **FIELD),
            "sheet": pmui.TextInput(label="Sheet of the workbook", **FIELD),
            "statuses": pmui.TextInput(
                label="Status words",
                placeholder="Leave = active; Zeta = left",
                helper_text="Word = active, left or ignore",
                **FIELD,
            ),
            "filter": pmui.TextInput(
                label="Keep only rows where",
                placeholder="Agency <> 'Youth'",
                helper_text="SQL over the file's columns",
                **FIELD,
            ),
        }
        for name, field in fields.items():
            field.param.watch(partial(self._option_stated, name), "value")
        return fields

    def _column_chosen(self, name: str, value: str, constant: str) -> None:
        if self._filling:
            return
        columns, constants = dict(self.stated.get("columns", {})), dict(self.stated.get("constants", {}))
        columns.pop(name, None)
        constants.pop(name, None)
        self._open_constants.discard(name)
        if value.startswith(HEADER):
            columns[name] = value.removeprefix(HEADER)
        elif value == CONSTANT:
            self._open_constants.add(name)
            if constant.strip():
                constants[name] = constant.strip()
            else:
                self._columns[name].ask_constant()
                return  # until it is typed
        else:
            columns[name] = None
        self._state("columns", columns)
        self._state("constants", constants)
        self._changed()

    def _option_stated(self, name: str, event: Any) -> None:
        if self._filling:
            return
        text = str(event.new or "").strip()
        if name in ("date_format", "number_format"):
            formats = dict(self.stated.get("formats", {}))
            for column in self._dates_there() if name == "date_format" else ("base_pay",):
                formats.pop(column, None)
                if text:
                    formats[column] = text
            self._state("formats", formats)
        elif name == "statuses":
            pairs = (part.partition("=") for part in text.split(";") if part.strip())
            self._state("statuses", {word.strip(): state.strip().lower() for word, _, state in pairs})
        elif name == "pay_unit" and text.startswith(BY_COLUMN):
            self._state("pay_unit", {"column": text.removeprefix(BY_COLUMN)})
        else:
            self._state(name, text.upper() if name == "currency" else text)
        self._changed()

    def _dates_there(self) -> list[str]:
        there = {column["name"] for column in self._found.get("columns", ()) if column["header"]}
        return [name for name in DATE_COLUMNS if name in there]

    def _levels_chosen(self, event: Any) -> None:
        if self._filling:
            return
        self._state("ranges", None)
        if event.new == "ranges":
            self._state("ranges", touching_ranges(found) if (found := self._levels_found()) else None)
        titles = {row["title"]: row["level_id"] for row in self._found.get("titles", ())}
        self._state("levels", titles if event.new == TITLES else event.new)
        self._changed()

    def _levels_found(self) -> list[dict[str, Any]]:
        report = self._found.get("report") or {}
        return list(report.get("levels", ()))

    def _titles_stated(self, event: Any) -> None:
        if self._filling:
            return
        lines = [line.rpartition(":") for line in str(event.new).splitlines() if line.strip()]
        self._state("levels", {title.strip(): level.strip() for title, _, level in lines})
        self._changed()

    def _level_stated(self, level: int, key: str, text: str) -> None:
        if self._filling:
            return
        if key == "name":
            names = {int(number): name for number, name in self.stated.get("level_names", {}).items()}
            self._state("level_names", names | {level: text.strip()})
        else:
            amount = text.replace(",", "").strip()
            neighbour, edge = (level - 1, "maximum") if key == "minimum" else (level + 1, "minimum")
            moved = {level: key, neighbour: edge}  # ranges go on touching
            ranges = self.stated.get("ranges", ())
            changed = [
                one | ({moved[one["level_id"]]: amount} if one["level_id"] in moved else {}) for one in ranges
            ]
            self._state("ranges", changed)
        self._changed()

    def _state(self, key: str, value: Any) -> None:
        """State a key of the mapping; an empty value is not stated."""
        if value in ("", None, {}, []):
            self.stated.pop(key, None)
        else:
            self.stated[key] = value

    def _apply_yaml(self, *_: Any) -> None:
        try:
            self.stated = self._session.actions.censuses.mapping(self._yaml.value or "")
        except PlanWiseError as error:
            self._problem.param.update(object=html.error_notice(error), visible=True)
            return
        self._problem.param.update(object="", visible=False)
        self._changed()

    def _changed(self) -> None:
        self._fill()
        self._on_change()

    def _fill(self) -> None:
        """Write statements and findings into the fields."""
        found, stated = self._found, self.stated
        headers = {h["name"]: h for h in found.get("headers", ())}
        recognised = {c["name"]: c["header"] for c in found.get("columns", ())}
        with self._filling:
            for name, field in self._columns.items():
                constant = stated.get("constants", {}).get(name)
                header = stated.get("columns", {}).get(name, recognised.get(name, ""))
                value = HEADER + header if header else NONE
                if constant is not None or name in self._open_constants:
                    value = CONSTANT
                field.fill(headers, value, constant or "", stated=name in stated.get("columns", {}))
            self._fill_options(headers)
            self._fill_levels()
            text = yaml.safe_dump(stated, allow_unicode=True, sort_keys=False) if stated else ""
            self._yaml.value = text

    def _fill_options(self, headers: Mapping[str, Any]) -> None:
        stated, source = self.stated, self._found.get("source", {})
        formats, unit = stated.get("formats", {}), stated.get("pay_unit", "")
        units = {"As found (a year)": "", **{one.capitalize(): one for one in UNITS}}
        units |= {f"By the column {h}": BY_COLUMN + h for h in headers}
        self._options["pay_unit"].options = units
        values = {
            **{name: str(stated.get(name, "")) for name in self._options},
            "pay_unit": BY_COLUMN + unit["column"] if isinstance(unit, Mapping) else unit,
            "date_format": _known(next((formats[c] for c in DATE_COLUMNS if c in formats), ""), DATE_FORMATS),
            "number_format": _known(formats.get("base_pay", ""), NUMBER_FORMATS),
            "statuses": "; ".join(f"{word} = {to}" for word, to in stated.get("statuses", {}).items()),
        }
        for name, value in values.items():
            self._options[name].value = value
        for name in ("currency", "encoding", "sheet"):
            self._options[name].helper_text = (
                f"Found: {source[name]}" if source.get(name) else HELP.get(name, "")
            )
        dated = "as_of" in stated or not self._found
        self.as_of.param.update(
            helper_text="YYYY-MM-DD" if dated else "Not stated: today is taken", error_state=not dated
        )

    def _fill_levels(self) -> None:
        levels, stated = self._levels_found(), self.stated.get("levels", "")
        how = (self._found.get("report") or {}).get("levels_from", "")
        self._levels_from.object = f'<p class="quiet">Levels come from: {escape(how)}</p>'
        self._levels.value = TITLES if isinstance(stated, Mapping) else stated
        self._titles.visible = isinstance(stated, Mapping)
        if isinstance(stated, Mapping):
            self._titles.value = "\n".join(f"{title}: {level}" for title, level in stated.items())
        people = self._found.get("people_by_level", {})
        own = {one["level_id"]: one for one in self.stated.get("ranges", ())}
        for level in levels:
            number = level["level_id"]
            row = self._rows.setdefault(number, _LevelRow(number, self._level_stated))
            row.fill(level | own.get(number, {}), people.get(str(number)), ranges=stated == "ranges")
        show(self._names, *(part for level in levels for part in self._rows[level["level_id"]].parts))


class _LevelRow:
    """The fields of one level: name, and its pay range where that is stated."""

    def __init__(self, level: int, on_change: Callable[[int, str, str], None]) -> None:
        self._level = level
        self._note = html.pane("")
        self._fields = {
            key: pmui.TextInput(label=f"{label} of level {level}", max_length=60, **FIELD)
            for key, label in (("name", "Name"), ("minimum", "Minimum"), ("maximum", "Maximum"))
        }
        for key, field in self._fields.items():
            field.param.watch(lambda event, key=key: on_change(level, key, str(event.new)), "value")
        self.parts = (*self._fields.values(), self._note)

    def fill(self, level: Mapping[str, Any], people: int | None, *, ranges: bool) -> None:
        """Show a level and how many people it has, where that is known."""
        for key, field in self._fields.items():
            field.param.update(
                value=str(level[key]) if key == "name" else _amount(level[key]),
                disabled=key != "name" and not ranges,
            )
        self._note.object = "" if people is None else f'<p class="quiet">{count(people)} people</p>'


class _ColumnField:
    """The choice for one column of the census, with examples of its cells."""

    def __init__(self, name: str, on_choice: Callable[[str, str, str], None]) -> None:
        self._name, self._on_choice = name, on_choice
        self._select = pmui.Select(label=COLUMN_WORDS[name], options={NOT_THERE: NONE}, value=NONE, **FIELD)
        self._constant = pmui.TextInput(label=f"{COLUMN_WORDS[name]} of all rows", visible=False, **FIELD)
        self._examples = html.pane("")
        self._select.param.watch(self._chosen, "value")
        self._constant.param.watch(self._chosen, "value")
        self.layout = pn.Column(self._select, self._constant, self._examples, margin=0, styles={"gap": "4px"})

    def fill(self, headers: Mapping[str, Any], value: str, constant: str, *, stated: bool) -> None:
        """Show headers, choice and examples."""
        able = [h for h in headers.values() if self._name in HASHED or not h["identifies"]]
        options = {NOT_THERE: NONE, **{h["name"]: HEADER + h["name"] for h in able}}
        if self._name not in NO_CONSTANT:
            options[ONE_VALUE] = CONSTANT
        if value not in options.values():  # a header that this file does not have
            options[value.removeprefix(HEADER)] = value
        required = "" if value != NONE or self._name not in REQUIRED else "needed"
        self._select.param.update(
            options=options,
            value=value,
            label=COLUMN_WORDS[self._name] + (" *" if self._name in REQUIRED else ""),
            error_state=bool(required),
        )
        self._constant.param.update(value=constant, visible=value == CONSTANT)
        header = headers.get(value.removeprefix(HEADER), {})
        examples = ", ".join(header.get("examples", ()))
        note = "Names people: stored as a keyed hash" if header.get("identifies") else examples
        self._examples.object = f'<p class="card-subtitle">{escape(note or required)}</p>'

    def ask_constant(self) -> None:
        """Show the field for the one value."""
        self._constant.visible = True

    def _chosen(self, *_: Any) -> None:
        self._on_choice(self._name, str(self._select.value), str(self._constant.value or ""))


HASHED = ("employee_id", "manager_id")  # of columns that name people
REQUIRED = ("employee_id", "hire_date", "base_pay", "job_title", "department")


def touching_ranges(levels: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return ranges that touch, as pay needs to decide the level: neighbours meet between their midpoints."""
    ordered = sorted(levels, key=lambda level: int(level["level_id"]))
    middles = [(float(level["minimum"]) + float(level["maximum"])) / 2 for level in ordered]
    edges = [round((lower + upper) / 2, 2) for lower, upper in pairwise(middles)]
    lows, highs = [ordered[0]["minimum"], *edges], [*edges, ordered[-1]["maximum"]]
    return [
        {"level_id": level["level_id"], "minimum": low, "maximum": high}
        for level, low, high in zip(ordered, lows, highs, strict=True)
    ]


def _known(value: str, options: Mapping[str, str]) -> str:
    return value if value in options.values() else ""


def _amount(value: Any) -> str:
    try:
        return f"{float(value):,.2f}".removesuffix(".00")
    except ValueError:
        return str(value)
