"""The filters: scenario, year, employment status, level, departments, gender; each writes the selection."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from ui.components.filling import Filling
from ui.selection import Selection
from ui.values.people import STATUSES
from ui.views.results.asked import Asked
from ui.views.results.section import Section

SELECT: dict[str, Any] = {"size": "small", "margin": (6, 0, 4, 0)}
ALL_LEVELS, ALL_GENDERS = "All levels", "All"
EVERY_LEVEL = 0  # the widget takes None for nothing chosen
DEPARTMENTS_WIDTH = 220
COMPACT = {  # as low as the other filters; long names are cut, the cards' subtitles have them whole
    "& .MuiSelect-select": {"paddingTop": "8px", "paddingBottom": "4px", "minHeight": "24px !important"},
    "& .MuiChip-root": {"height": "22px", "fontSize": "12px", "borderRadius": "4px"},
    "& .MuiChip-label": {"maxWidth": "150px", "overflow": "hidden", "textOverflow": "ellipsis", "px": "8px"},
    "& .MuiChip-deleteIcon": {"fontSize": "16px"},
}


LABEL_WHEN_EMPTY = "label[data-shrink='false'] { transform: translate(14px, 6px) !important; }"


class Controls:
    """The row of filters; those that the section does not use are disabled."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._filling = Filling()
        self._scenario = pmui.Select(label="Scenario", options=[], width=220, **SELECT)
        self._year = pmui.Select(label="Year", options=[], width=92, **SELECT)
        self._status = pmui.Select(
            label="Employment status",
            options={status.label: key for key, status in STATUSES.items()},
            width=206,
            **SELECT,
        )
        self._level = pmui.Select(label="Level", options={ALL_LEVELS: EVERY_LEVEL}, width=168, **SELECT)
        self._departments = pmui.MultiChoice(
            label="Departments",
            options=[],
            searchable=True,
            placeholder="All departments",
            width=DEPARTMENTS_WIDTH,
            sx=COMPACT,
            stylesheets=[LABEL_WHEN_EMPTY],
            visual_size="small",
            margin=(6, 0, 4, 0),
        )
        self._gender = pmui.Select(label="Gender", options={ALL_GENDERS: ""}, width=100, **SELECT)
        self._reset = pmui.Button(
            label="Reset filters",
            description="Reset filters: show everybody who is active",
            variant="text",
            size="small",
            margin=(10, 0, 0, 0),
        )
        self._reset.on_click(self._everybody)
        self._follow(self._scenario, "scenario")
        self._follow(self._year, "year")
        self._follow(self._status, "status")
        self._follow(self._level, "level")
        self._follow(self._departments, "departments")
        self._follow(self._gender, "gender")
        self.layout = pn.FlexBox(
            self._scenario,
            self._year,
            self._status,
            self._level,
            self._departments,
            self._gender,
            self._reset,
            gap="4px 10px",
            align_items="flex-start",
            sizing_mode="stretch_width",
        )

    def show(self, asked: Asked, section: Section, scenarios: tuple[str, ...]) -> None:
        """Show what is chosen, and what there is to choose from."""
        population = asked.population
        with self._filling:
            self._scenario.param.update(options=list(scenarios), value=asked.scenario)
            self._year.param.update(options=list(asked.result.years), value=asked.year)
            self._status.param.update(value=asked.people.status, disabled=not section.by_status)
            levels = {ALL_LEVELS: EVERY_LEVEL} | {asked.level(number): number for number in population.levels}
            off = not section.by_people
            self._level.param.update(options=levels, value=asked.people.level or EVERY_LEVEL, disabled=off)
            self._departments.param.update(
                options=list(population.departments), value=list(asked.people.departments), disabled=off
            )
            self._gender.param.update(
                options={ALL_GENDERS: ""} | {name: name for name in population.genders},
                value=asked.people.gender,
                disabled=off or not population.genders,
                label="Gender" if population.genders else "No gender",
            )
            self._reset.disabled = off

    def _everybody(self, _: Any) -> None:
        self._selection.param.update(status="", level=None, departments=(), gender="")

    def _follow(self, widget: Any, name: str) -> None:
        def choose(event: Any) -> None:
            if not self._filling:
                value = tuple(event.new) if name == "departments" else event.new
                value = None if name == "level" and value == EVERY_LEVEL else value
                self._selection.param.update(**{name: value})

        widget.param.watch(choose, "value")
