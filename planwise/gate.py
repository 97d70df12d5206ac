"""The result of a quality gate, as plain data; `expectations` evaluates it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from planwise.errors import GateBlocked

Severity = Literal["critical", "warning", "info"]
Status = Literal["passed", "passed with warnings", "failed"]

SAMPLE_ROWS = 5  # enough to recognise a pattern, few enough for a table cell


@dataclass(frozen=True)
class GateCheck:
    """One evaluated expectation.

    `observed` is a JSON value: [smallest, largest] for a range, the unexpected values for a set, the missing
    names for columns, the share of rows inside when only a share must conform, else a count. Of pay of single
    people or groups it is a count too. None has a `reason` where it is known.
    `sample` holds at most five offending rows, each with the keys that identify it; never pay of a person.
    """

    expectation: str
    description: str
    table: str
    column: str | None
    severity: Severity
    success: bool
    observed: Any
    threshold: str
    evaluated_rows: int | None
    unexpected_rows: int | None
    sample: tuple[Mapping[str, Any], ...]
    remedy: str
    reason: str = ""

    @property
    def observed_text(self) -> str:
        """The observed value as text; why there is none."""
        return text_of(self.observed, self.reason)

    def summary(self) -> str:
        """Return one line: the expectation, the observed value and the allowed one."""
        where = self.table if self.column is None else f"{self.table}.{self.column}"
        rows = f" ({self.unexpected_rows:,} of {self.evaluated_rows:,} rows)" if self.unexpected_rows else ""
        return f"{self.expectation} on {where}: observed {self.observed_text}{rows}, allowed {self.threshold}"

    def counted(self) -> str:
        """Return one line with how many rows failed, and none of their values."""
        where = self.table if self.column is None else f"{self.table}.{self.column}"
        rows = (
            f"{self.unexpected_rows:,} of {self.evaluated_rows:,} rows" if self.unexpected_rows else "failed"
        )
        return f"{self.expectation} on {where}: {rows}, allowed {self.threshold}"


@dataclass(frozen=True)
class GateResult:
    """The result of one run of a suite, in the suite's order.

    `validations` are Great Expectations' own results, one a table or part of it, without values of people;
    they are kept beside what is published, and not in its manifest.
    """

    suite: str
    results: tuple[GateCheck, ...]
    seconds: float
    validations: tuple[Mapping[str, Any], ...] = field(default=(), repr=False, compare=False)

    @property
    def evaluated(self) -> int:
        """How many expectations were evaluated."""
        return len(self.results)

    @property
    def failed(self) -> tuple[GateCheck, ...]:
        """The expectations that did not hold, of any severity."""
        return tuple(check for check in self.results if not check.success)

    @property
    def blocks(self) -> bool:
        """Whether a critical expectation failed, which stops what follows."""
        return any(check.severity == "critical" for check in self.failed)

    @property
    def status(self) -> Status:
        """`failed` on a critical failure; failed info expectations do not count."""
        if self.blocks:
            return "failed"
        warned = any(check.severity == "warning" for check in self.failed)
        return "passed with warnings" if warned else "passed"

    def as_json(self) -> dict[str, Any]:
        """Return the whole result as JSON values, for the manifest and the ledger."""
        results = [{**asdict(check), "sample": [dict(row) for row in check.sample]} for check in self.results]
        return {
            "suite": self.suite,
            "status": self.status,
            "evaluated": self.evaluated,
            "failed": [result for result in results if not result["success"]],
            "results": results,
            "seconds": self.seconds,
        }

    def validations_json(self) -> dict[str, Any]:
        """Return Great Expectations' own results, for the file beside the manifest."""
        return {"suite": self.suite, "status": self.status, "validations": list(self.validations)}

    def as_table(self) -> list[dict[str, Any]]:
        """Return one flat row per expectation, failures first, for a table on a page or an artifact."""
        ordered = sorted(self.results, key=lambda check: check.success)
        return [
            {
                "expectation": check.expectation,
                "table": check.table,
                "column": check.column or "",
                "severity": check.severity,
                "success": check.success,
                "observed": check.observed_text,
                "threshold": check.threshold,
                "offending rows": check.unexpected_rows or 0,
                "sample": "; ".join(_row(row) for row in check.sample),
            }
            for check in ordered
        ]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "GateResult":
        """Read back what `as_json` wrote; status and counts are derived again, never trusted."""
        checks = (GateCheck(**{**check, "sample": tuple(check["sample"])}) for check in data["results"])
        return cls(suite=data["suite"], results=tuple(checks), seconds=data["seconds"])


def require(result: GateResult) -> GateResult:
    """Return the result when it does not block; raise GateBlocked naming each critical failure otherwise."""
    if not result.blocks:
        return result
    critical = [check for check in result.failed if check.severity == "critical"]
    lines = "\n".join(f"- {check.summary()}" for check in critical)
    remedies = dict.fromkeys(check.remedy for check in critical)
    raise GateBlocked(
        f"The {result.suite} gate failed {len(critical)} critical of {result.evaluated} expectations:\n"
        + lines,
        remedy="\n".join(remedies),
    )


def text_of(observed: Any, reason: str = "") -> str:
    """Return an observed value as text; where there is none, the reason."""
    return f"nothing ({reason})" if observed is None and reason else _text(observed)


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int | float):
        return f"{value:,.6g}"
    return ", ".join(dict.fromkeys(map(_text, value))) or "none"  # of a range whose ends are one, that one


def _row(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in row.items())
