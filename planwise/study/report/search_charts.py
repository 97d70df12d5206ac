"""The charts of how an answer was found and whether it holds; each takes plain values and returns an SVG."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from planwise.study.report.canvas import drawn, ink, keyed, plain
from planwise.study.report.charts import ROW_INCHES
from planwise.study.report.figures import PP
from planwise.study.trials.trial import Trial

FEW = 3
BINS_A_SIDE = 12
ROUNDED = 1 + 1e-6

Vector = npt.NDArray[np.float64]


def convergence(trials: Sequence[Trial], target: float, tolerance: float, answer: int | None) -> str:
    """Draw each trial's growth minus the target (pp; linear near 0, logarithmic beyond)."""

    def draw(figure: Figure) -> None:
        axes = plain(figure.subplots())
        near = PP * tolerance
        axes.axhspan(-near, near, color=ink("band"), linewidth=0)
        axes.axhline(0, color=ink("good"), linewidth=0.8)
        groups = (
            ("preview", True, "o", "none", "preview"),
            ("real", True, "o", ink("after"), "plan"),
            ("", False, "x", ink("bad"), "gate failed"),
        )
        for kind, feasible, marker, face, label in groups:
            points = [
                (t.number, PP * (t.evaluation.growth - target))
                for t in trials
                if t.evaluation is not None
                and t.evaluation.feasible == feasible
                and (not kind or t.kind == kind)
            ]
            if points:
                x, y = zip(*points, strict=True)
                edge = ink("after") if feasible else ink("bad")
                axes.scatter(
                    x,
                    y,
                    s=22,
                    marker=marker,
                    linewidths=1.1,
                    label=label,
                    zorder=3,
                    **_marks(face, edge, feasible),
                )
        best = next((t for t in trials if t.number == answer and t.evaluation is not None), None)
        if best is not None and best.evaluation is not None:
            at = (best.number, PP * (best.evaluation.growth - target))
            axes.scatter(
                *at,
                s=130,
                facecolors="none",
                edgecolors=ink("good"),
                linewidths=1.6,
                label="the answer",
                zorder=4,
            )
        axes.set_yscale("symlog", linthresh=2 * near, linscale=0.8)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:+g}".replace("-", "−") if v else "0"))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("trial")
        axes.set_ylabel("growth minus target, pp")
        keyed(axes)

    return drawn(
        "convergence", 3.0, draw, describe="Growth minus target of every trial, with the tolerance band"
    )


def robustness(growth: Sequence[float], target: float | None, tolerance: float, answer: float) -> str:
    """Draw the distribution of growth over other seeds, one mark a seed; green: within the tolerance."""

    def draw(figure: Figure) -> None:
        axes = plain(figure.subplots())
        values = PP * np.array(growth)
        edges = seed_bins(values, None if target is None else PP * target, PP * tolerance)
        counts, _ = np.histogram(values, edges)
        roles = ["before"] * len(counts)
        if target is not None:
            low, high = PP * (target - tolerance), PP * (target + tolerance)
            axes.axvspan(low, high, color=ink("band"), linewidth=0, zorder=0, label="target ± tolerance")
            middles = (edges[1:] + edges[:-1]) / 2
            fine = np.diff(edges)[0] <= PP * tolerance * ROUNDED
            roles = ["good" if fine and low < middle < high else "before" for middle in middles]
        axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=[ink(role) for role in roles])
        for edge in edges:
            axes.axvline(edge, ymax=0.98, color=ink("page"), linewidth=1.0)
        seeds = np.full(len(values), -0.03 * counts.max())
        axes.plot(values, seeds, "|", color=ink("ink"), markersize=7, label="a seed", clip_on=False)
        axes.axvline(PP * answer, color=ink("after"), linewidth=1.6, label="the answer")
        mean = float(values.mean())
        axes.axvline(mean, color=ink("ink"), linewidth=1.2, linestyle=(0, (4, 2)), label="mean")
        axes.set_ylim(bottom=-0.09 * counts.max())
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.set_xlabel("growth, % a year")
        axes.set_ylabel("seeds")
        keyed(axes)

    return drawn("robustness", 2.7, draw, describe="Distribution of growth under other seeds")


def sensitivity(effects: Mapping[str, float]) -> str:
    """Draw by how much growth moves (pp) when a lever crosses its recommended range, largest first."""
    ordered = sorted(effects.items(), key=lambda item: -abs(item[1]))

    def draw(figure: Figure) -> None:
        axes = plain(figure.subplots(), grid="x")
        values = [PP * effect for _, effect in ordered]
        roles = [ink("after" if value >= 0 else "bad") for value in values]
        bars = axes.barh(range(len(values)), values, 0.6, color=roles)
        texts = [f"{value:+.2f}".replace("-", "−") for value in values]
        axes.bar_label(bars, texts, padding=3, fontsize=8, color=ink("muted"))
        axes.set_yticks(range(len(values)), [name for name, _ in ordered])
        axes.tick_params(axis="y", labelcolor=ink("ink"))
        axes.invert_yaxis()
        axes.margins(x=0.08)
        axes.set_xlabel("pp of growth a year for the width of the recommended range")

    return drawn("sensitivity", 0.7 + ROW_INCHES * len(ordered), draw, describe="What growth answers to")


def front(points: Sequence[Mapping[str, Any]], picks: Mapping[str, Any]) -> str:
    """Draw the front: each further objective over the first, the knee and the picks marked by trial."""
    names = list(points[0]["values"])
    others = names[1:]

    def draw(figure: Figure) -> None:
        for axes, other in zip(figure.subplots(1, len(others), squeeze=False)[0], others, strict=True):
            plain(axes, grid="both", left=True)
            x, y = ([point["values"][name] for point in points] for name in (names[0], other))
            line = (
                {"drawstyle": "steps-post", "color": ink("line")}
                if len(names) == 2
                else {"linestyle": "none"}
            )
            axes.plot(
                x, y, marker="o", markersize=4, markerfacecolor=ink("before"), markeredgewidth=0, **line
            )
            for point in points:
                at = (point["values"][names[0]], point["values"][other])
                is_knee = point["trial"] == picks.get("knee")
                if is_knee or point["trial"] in picks.get("diverse", ()):
                    label = f"knee, {point['trial']}" if is_knee else str(point["trial"])
                    role = "good" if is_knee else "after"
                    axes.scatter(*at, s=70 if is_knee else 36, color=ink(role), zorder=4)
                    axes.annotate(label, at, (6, 6), textcoords="offset points", fontsize=8, color=ink(role))
            axes.set_xlabel(f"{names[0]} (lower is better)")
            axes.set_ylabel(other)

    return drawn("front", 3.3, draw, describe="Trade-offs between the objectives")


def seed_bins(values: Vector, target: float | None, tolerance: float) -> Vector:
    """Return bins as wide as the tolerance, or a multiple where seeds spread far, with an edge on target."""
    if target is None:
        return np.histogram_bin_edges(values, bins="auto" if len(values) > FEW else FEW)
    reach = float(np.abs(values - target).max())
    width = tolerance * max(1.0, np.ceil(reach / tolerance / BINS_A_SIDE))
    places = (values - target) / width
    first, last = min(np.floor(places.min()), -1.0), max(np.ceil(places.max()), 1.0)
    edges: Vector = target + width * np.arange(first, last + 1)
    return edges


def _marks(face: str, edge: str, filled: bool) -> dict[str, Any]:
    return {"facecolors": face, "edgecolors": edge} if filled else {"color": edge}
