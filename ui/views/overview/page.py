"""The first page: published scenarios against their target, one of them in detail, a study, the gate."""

from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from ui.components import html
from ui.components.card import FRAME, Card
from ui.components.layout import GAP, PAIR, STACK
from ui.components.layout import show as _show
from ui.formatting import moment
from ui.results import Result, Unreadable
from ui.selection import Selection
from ui.store import BASELINE, Store
from ui.views.overview import charts, empty, tables
from ui.views.overview.headline import headline
from ui.views.study import convergence


class Overview:
    """The page's parts, made once; `refresh` fills them from the store."""

    def __init__(self, store: Store, selection: Selection) -> None:
        self._store = store
        self._selection = selection
        self._filling = False
        self._notices = html.pane("", styles={"display": "grid", "gap": "8px"})
        self._empty = html.pane(empty.nothing_published(store.home))
        self._heading = html.pane("", min_width=0)
        self._kpis = html.pane("")
        self._no_study = html.pane(empty.no_study())
        self._provenance = html.pane("")
        self._scenario = self._select("Scenario", "scenario", 300)
        self._year = self._select("Year", "year", 104)
        self._study = self._select("Study", "study", 420)
        self._growth = Card(name="growth against target")
        self._payroll = Card(name="annual payroll")
        self._bridge = Card(name="growth bridge")
        self._convergence = Card(name="study convergence", control=self._study)
        self._comparison = Card(name="scenarios", with_chart=False)
        self._levels = Card(name="levels", with_chart=False)
        self._gate = Card(name="quality gate", with_chart=False, height=260)
        self._study_box = pn.Column(**STACK)
        self._body = self._lay_out()
        self.layout = pn.Column(**STACK, margin=GAP)
        selection.param.watch(self._chosen, ["scenario", "year", "study"])
        self.refresh()

    def refresh(self) -> None:
        """Read what is published now and show it."""
        results, unreadable = self._store.results()
        notices = [html.unreadable(item) for item in unreadable]
        nothing = not results and not unreadable
        if results:
            result = self._pick(results, unreadable, notices)
            year = self._pick_year(result, notices)
            self._fill(results, result, year)
            self._fill_study(notices)
        self._notices.object = "".join(notices)
        _show(
            self.layout,
            *([self._notices] if notices else []),
            *([self._empty] if nothing else []),
            *([self._body] if results else []),
        )

    def _fill(self, results: Sequence[Result], result: Result, year: int) -> None:
        with self._filled():
            self._scenario.param.update(options=[r.scenario for r in results], value=result.scenario)
            self._year.param.update(options=list(result.years), value=year)
        census = result.manifest["census"]
        self._heading.object = html.heading(
            result.scenario,
            f"{year} · {census['name']}, {census['rows']:,} employees as of {census['as_of']} · "
            f"published {moment(str(result.manifest['published_at']))}",
        )
        self._kpis.object = html.kpi_strip(headline(result, year))
        self._growth.show(charts.growth(results, result))
        self._payroll.show(charts.payroll(results, result))
        self._bridge.show(charts.bridge(result, year))
        self._comparison.show(tables.comparison(results, result, year))
        self._levels.show(tables.levels(result, year))
        self._gate.show(tables.gate(result))
        self._provenance.object = html.facts(tables.provenance(result))

    def _fill_study(self, notices: list[str]) -> None:
        names = self._store.studies()
        if not names:
            _show(self._study_box, self._no_study)
            return
        wanted = self._selection.study
        name = wanted if wanted in names else names[0]
        if wanted and wanted != name:
            notices.append(html.notice(f"There is no study {wanted!r}; {name} is shown.", tone="warn"))
        with self._filled():
            self._study.param.update(options=list(names), value=name)
        try:
            self._convergence.show(convergence(self._store.study(name)))
            _show(self._study_box, self._convergence.layout)
        except InputError as error:
            _show(self._study_box, self._study)  # so that another can be chosen
            notices.append(html.unreadable(Unreadable(name, error.what, error.remedy or "")))

    def _pick(
        self, results: Sequence[Result], unreadable: Sequence[Unreadable], notices: list[str]
    ) -> Result:
        by_name = {result.scenario: result for result in results}
        wanted = self._selection.scenario
        if wanted in by_name:
            return by_name[wanted]
        chosen = by_name.get(BASELINE, results[0])
        if wanted:
            why = "cannot be read" if wanted in {item.name for item in unreadable} else "is not published"
            notices.append(
                html.notice(
                    f"Scenario {wanted!r} {why}; {chosen.scenario} is shown.",
                    f"Published: {', '.join(by_name)}.",
                    "warn",
                )
            )
        return chosen

    def _pick_year(self, result: Result, notices: list[str]) -> int:
        wanted = self._selection.year
        if wanted is not None and wanted not in result.years:
            notices.append(
                html.notice(
                    f"{result.scenario} does not simulate {wanted}; {result.last_year} is shown.", tone="warn"
                )
            )
        return wanted if wanted in result.years else result.last_year

    def _select(self, label: str, name: str, width: int) -> pmui.Select:
        widget = pmui.Select(label=label, options=[], size="small", width=width, margin=(6, 0, 4, 0))

        def choose(event: Any) -> None:
            if not self._filling:
                self._selection.param.update(**{name: event.new})

        widget.param.watch(choose, "value")
        return widget

    def _chosen(self, *_: Any) -> None:
        if not self._filling:
            self.refresh()

    @contextmanager
    def _filled(self) -> Any:
        """Set widgets without taking it for a choice of the user."""
        self._filling = True
        try:
            yield
        finally:
            self._filling = False

    def _lay_out(self) -> pn.Column:
        return pn.Column(
            pn.FlexBox(
                self._heading_box(),
                pn.Row(self._scenario, self._year, styles={"gap": "12px"}),
                justify_content="space-between",
                align_items="center",
                gap=f"{GAP}px",
            ),
            self._kpis,
            pn.Column(self._growth.layout, self._payroll.layout, **PAIR),
            pn.Column(self._bridge.layout, self._study_box, **PAIR),
            self._comparison.layout,
            self._levels.layout,
            self._gate.layout,
            self._framed(self._provenance),
            **STACK,
        )

    def _framed(self, content: pn.viewable.Viewable) -> pmui.Paper:
        heading = html.pane(html.card_heading("Where these figures are from", ""), margin=(0, 0, 8, 0))
        return pmui.Paper(heading, content, **FRAME)

    def _heading_box(self) -> pn.Column:
        return pn.Column(self._heading, min_width=280, styles={"flex": "1 1 320px"})


def overview(store: Store, selection: Selection) -> Overview:
    """Return the page for a session."""
    return Overview(store, selection)
