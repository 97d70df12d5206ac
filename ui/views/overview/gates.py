"""How every scenario's quality gate ended, the worst first."""

from collections.abc import Mapping, Sequence
from html import escape

from planwise.gate import GateResult
from ui.components import html
from ui.components.linked import link
from ui.values.results import Result

RANK: Mapping[str, int] = {"failed": 0, "passed with warnings": 1, "passed": 2}
TONES: Mapping[str, html.Tone] = {"passed": "good", "passed with warnings": "warn", "failed": "bad"}
NAMED = 2  # failed expectations that are named; the details have them all


def gates(results: Sequence[Result]) -> list[tuple[Result, GateResult]]:
    """Return every result with its gate, the worst first, then by name."""
    found = [(result, GateResult.from_json(result.manifest["gate"])) for result in results]
    return sorted(found, key=lambda pair: (RANK[pair[1].status], -len(pair[1].failed), pair[0].scenario))


def listed(results: Sequence[Result]) -> str:
    """Return the gates as a list; a link shows a scenario with what its gate found."""
    return f'<ul class="items">{"".join(_item(*pair) for pair in gates(results))}</ul>'


def _item(result: Result, gate: GateResult) -> str:
    name = link(result.scenario, "overview", about=f"Show {result.scenario}", scenario=result.scenario)
    held = f"{gate.evaluated - len(gate.failed)} of {gate.evaluated} hold"
    chip = html.chip(gate.status.capitalize(), TONES[gate.status])
    why = f'<span class="why bad">{escape(_failed(gate))}</span>' if gate.blocks else ""
    return (
        f'<li><span class="what">{name}</span>'
        f'<span class="act"><span class="quiet">{held}</span>&ensp;{chip}</span>{why}</li>'
    )


def _failed(gate: GateResult) -> str:
    critical = [check.expectation for check in gate.failed if check.severity == "critical"]
    more = len(critical) - NAMED
    return "not met: " + ", ".join(critical[:NAMED]) + (f" and {more} more" if more > 0 else "")
