"""The commands that give a study, and its answer, again."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from planwise.study.report.evidence import Evidence
from planwise.study.spec import DEFAULT_ITERATIONS


def ask(evidence: Evidence) -> str:
    """Return the command that asks the same question of the same scenario and census."""
    asked, request = evidence.question, _request(evidence)
    words = ["planwise", "optimize", *_scenario(evidence), *_changes(request, request.get("levers") or {})]
    if evidence.target is not None:
        words += ["--target-growth", f"{evidence.target:.10g}", "--tolerance", f"{evidence.tolerance:.10g}"]
    words += ["--strategy", str(asked["strategy"])]
    objectives = asked.get("objectives") or ()
    if objectives:
        words += ["--objectives", ",".join(n if w is None else f"{n}={w:.10g}" for n, w in objectives)]
    for constraint in request.get("constraints", asked.get("constraints")) or ():
        words += ["--constraint", str(constraint)]
    if asked.get("levers"):
        words += ["--levers", ",".join(asked["levers"])]
    words += ["--by-year"] if asked.get("by_year") else []
    for name in asked.get("locked") or ():
        words += ["--lock", str(name)]
    if asked.get("max_iterations", DEFAULT_ITERATIONS) != DEFAULT_ITERATIONS:
        words += ["--max-iterations", str(asked["max_iterations"])]
    for flag in ("trials", "stagnation", "seeds"):
        if asked.get(flag) is not None:
            words += [f"--{flag}", str(asked[flag])]
    words += ["--preview"] if evidence.about.get("kind") == "preview" else []
    return shlex.join(words)


def simulate(evidence: Evidence) -> str:
    """Return the command that simulates the answer with every mart."""
    request = _request(evidence)
    new = {name: moved["new"] for name, moved in evidence.result["changes"].items()}
    levers = {**(request.get("levers") or {}), **new}
    return shlex.join(["planwise", "simulate", *_scenario(evidence), *_changes(request, levers)])


def _request(evidence: Evidence) -> Mapping[str, Any]:
    """Return what the command was given; nothing for a study that another caller began."""
    text = evidence.about.get("request")
    found: Mapping[str, Any] = json.loads(text) if isinstance(text, str) else {}
    return found


def _scenario(evidence: Evidence) -> Iterator[str]:
    yield from ("--scenario", str(evidence.about.get("scenario")))
    if evidence.about.get("census"):
        yield from ("--census", str(evidence.about["census"]))


def _changes(request: Mapping[str, Any], levers: Mapping[str, Any]) -> Iterator[str]:
    for name, value in levers.items():
        yield from ("--set", f"{name}={_value(value)}")
    for name, value in (request.get("assumptions") or {}).items():
        yield from ("--assume", f"{name}={_value(value)}")
    for flag in ("seed", "years"):
        if request.get(flag) is not None:
            yield from (f"--{flag}", str(request[flag]))


def _value(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)
