"""The commands that repeat a study, and simulate its answer."""

import shlex

from planwise.governance.request import ScenarioRequest
from planwise.study.report.evidence import Evidence

# Where it ran, how fast and under which name does not belong to the question.
OF_THE_RUN = {"timeout_seconds": None, "workers": 1, "save_as": None}


def optimize_command(evidence: Evidence) -> str:
    """Return the command that puts the same question to the same scenario and census."""
    request = evidence.header.repeated().model_copy(update=OF_THE_RUN)
    return shlex.join(["planwise", "optimize", *request.command_options()])


def simulate_command(evidence: Evidence) -> str:
    """Return the command that simulates the answer with every mart."""
    study = evidence.header.repeated()
    new = {name: moved["new"] for name, moved in evidence.result["changes"].items()}
    fields = {name: getattr(study, name) for name in ScenarioRequest.model_fields}
    request = ScenarioRequest(**{**fields, "levers": {**study.levers, **new}})
    return shlex.join(["planwise", "simulate", *request.command_options()])
