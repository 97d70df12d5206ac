"""Finite differences: the points one step around a point, and the slopes from the KPIs there."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from planwise.parameters.values import DECIMALS

Point = Mapping[str, float]

STEP_WIDTHS = 0.1  # in widths of the recommended range: far above rounding, well within the linear range
DYNAMICS_STEP_WIDTHS = 0.5  # levers that change who is promoted act by whole people


@dataclass(frozen=True)
class Dimension:
    """A lever that can move, `lever` or `lever@year`, between its bounds `low` and `high`.

    `start` is the value in force, `scale` the width of the recommended range, the unit in which changes are
    compared. `dynamics`: whether it changes who stays, joins or is promoted.
    """

    name: str
    low: float
    high: float
    start: float
    scale: float
    dynamics: bool = field(kw_only=True)

    def clamp(self, value: float) -> float:
        """Return the canonical value nearest to this one within the bounds."""
        return round(min(max(value, self.low), self.high), DECIMALS)


@dataclass(frozen=True)
class Slope:
    """The change of a KPI when one lever rises and nothing else.

    `slope` is ∂KPI/∂lever: for a rate by a rate, percentage points per percentage point. `per_pp` is the
    effect of one percentage point of the lever, in the KPI's unit; `per_width` the effect of the width of the
    recommended range at this slope. `share` is (per_width)² of the sum over all levers. `step` is the
    difference used; 0, with a slope of None, where the lever cannot move.
    """

    slope: float | None
    per_pp: float | None
    per_width: float | None
    share: float | None
    step: float

    def as_json(self) -> dict[str, float | None]:
        """Return the slope as JSON values."""
        return asdict(self)


PP_RATE = 0.01  # one percentage point as a rate


def stepped(space: Sequence[Dimension], at: Point) -> dict[str, dict[str, float]]:
    """Return the points to evaluate: for each lever that can move, the point with that lever one step away.

    Levers that `at` leaves out have their starting value.
    """
    here = {lever.name: at.get(lever.name, lever.start) for lever in space}
    points = {}
    for lever in space:
        moved = _moved(lever, here[lever.name])
        if moved != here[lever.name]:
            points[lever.name] = {**here, lever.name: moved}
    return points


def slopes(
    space: Sequence[Dimension], at: Point, value: float, values: Mapping[str, float]
) -> dict[str, Slope]:
    """Return each lever's slope from the KPI at a point and one step away, as `stepped` gave them."""
    raw: dict[str, tuple[float, float]] = {}
    for lever in space:
        if lever.name in values:
            here = at.get(lever.name, lever.start)
            step = _moved(lever, here) - here
            raw[lever.name] = ((values[lever.name] - value) / step, step)
    shares = linear_shares(
        {lever.name: raw[lever.name][0] * lever.scale for lever in space if lever.name in raw}
    )
    return {
        lever.name: Slope(
            slope=raw[lever.name][0],
            per_pp=raw[lever.name][0] * PP_RATE,
            per_width=raw[lever.name][0] * lever.scale,
            share=shares[lever.name],
            step=raw[lever.name][1],
        )
        if lever.name in raw
        else Slope(None, None, None, None, 0.0)
        for lever in space
    }


def linear_shares(effects: Mapping[str, float]) -> dict[str, float]:
    """Return each effect's share of the sum of squares; all 0 where nothing has an effect.

    This is the variance that each lever would contribute if all moved independently over equally likely
    values, in proportion to their widths, and the KPI were linear: its first-order Sobol index.
    """
    total = sum(effect**2 for effect in effects.values())
    return {name: effect**2 / total if total else 0.0 for name, effect in effects.items()}


def step_widths(*, dynamics: bool) -> float:
    """Return the step of a lever in widths of its recommended range."""
    return DYNAMICS_STEP_WIDTHS if dynamics else STEP_WIDTHS


def inward(value: float, low: float, high: float, size: float) -> float:
    """Return the step of this size from a value towards the middle of its bounds."""
    return size if value <= (low + high) / 2 else -size


def _moved(lever: Dimension, value: float) -> float:
    size = lever.scale * step_widths(dynamics=lever.dynamics)
    return lever.clamp(value + inward(value, lever.low, lever.high, size))
