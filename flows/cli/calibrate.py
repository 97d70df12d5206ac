"""`planwise calibrate`."""

import json as json_format
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Column, Table

from flows.cli.calibration_options import (
    Censuses,
    Dates,
    LevelsOption,
    Mappings,
    RowFilter,
    check_output,
    write_report,
    yearly_censuses,
)
from flows.cli.layout import PLAIN
from planwise.calibration import (
    Basis,
    Calibration,
    calibration_json,
    calibration_markdown,
    options,
    parameters_yaml,
)
from planwise.calibration import calibrate as calibrated
from planwise.calibration.rates import ALL_YEARS
from planwise.calibration.report import count, pct, span
from planwise.calibration.save_as_scenario import keep
from planwise.console import emit_json, progress, results, settings_for
from planwise.options import Home, Json

FORMATS = frozenset({".md", ".json", ".yaml"})


def calibrate(
    *files: Censuses,
    mapping: Mappings = (),
    as_of: Dates = None,
    levels: LevelsOption = None,
    row_filter: RowFilter = None,
    basis: Annotated[Basis, Parameter(help="mean: all years; last: the last year only.")] = "mean",
    cola: Annotated[float | None, Parameter(help="The COLA, where known (0.02); merit is the rest.")] = None,
    scenario: Annotated[str | None, Parameter(help="Keep the parameters as this new scenario.")] = None,
    output: Annotated[
        Path | None, Parameter(help="Write the report there (.md, .json), or the parameters (.yaml).")
    ] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Estimate turnover, promotion, hiring and raises from yearly censuses, oldest first: files or names."""
    settings = settings_for(home)
    check_output(output, FORMATS)
    years = yearly_censuses(settings, files, mapping, as_of, levels, row_filter)
    found = calibrated(years, basis=basis, cola=cola)
    kept = keep(settings, found, scenario) if scenario is not None else None
    answer = calibration_json(found) | {
        "scenario": kept.name if kept else None,
        "census": kept.census if kept else None,
        "output": output,
    }
    if output is not None:
        write_report(output, _written(found, output.suffix))
    if json:
        emit_json(answer)
        return
    _show(found)
    if kept is not None:
        progress().print(f"Next: planwise simulate --scenario {kept.name}  (on census {kept.census})")


def _written(found: Calibration, suffix: str) -> str:
    if suffix == ".json":
        return json_format.dumps(calibration_json(found), indent=2, ensure_ascii=False) + "\n"
    return parameters_yaml(found) if suffix == ".yaml" else calibration_markdown(found)


def _show(found: Calibration) -> None:
    """Print the rates with their intervals, the parameters, and what to know about them."""
    console = results()
    for title, shares in (("exits", found.exits), ("promotions", found.promotions)):
        table = _table(f"{title}, all years", "band", "heads", "events", "rate", "95 %")
        for row in shares:
            s = row.share
            if row.year == ALL_YEARS:
                table.add_row(row.label, count(s.heads), count(s.events), pct(s.rate), span(s.low, s.high))
        console.print(table)
    table = _table("years", "year", "opening", "exits", "entrants", "growth", "raise", "median")
    raises = {s.year: s for s in found.raises}
    for h in found.headcounts:
        s = raises.get(h.year)
        total, median = (s.overall.value, s.median) if s else (None, None)
        table.add_row(
            h.year, *map(count, (h.opening, h.exits, h.entrants)), *map(pct, (h.growth, total, median))
        )
    console.print(table)
    console.print(f"Levels: {found.scale.rule}.", markup=False)
    for clip in found.clips:
        console.print(f"Clipped: {clip.name} {clip.estimated:.4f} → {clip.used:g}, its bound.", markup=False)
    if found.raise_split is not None and found.raise_split.moved:
        console.print(found.raise_split.moved, markup=False)
    for name, why in found.not_estimated:
        console.print(f"Not estimated: {name}: {why}.", markup=False)
    console.print("\n".join(options(found)), markup=False, soft_wrap=True)


def _table(title: str, first: str, *numbers: str) -> Table:
    return Table(first, *(Column(name, justify="right") for name in numbers), title=title, **PLAIN)
