"""The charts of a report; each takes plain values and returns an SVG."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from planwise.engine.outcome import Kpis
from planwise.formatting import MINUS, money_short
from planwise.parameters import Lever
from planwise.study.report.theme import add_legend, color, draw_svg, style_axes
from planwise.study.trial import Trial

PP = 100.0
FEW = 3
BINS_A_SIDE = 12
ROUNDED = 1 + 1e-6
BRIDGE = ("exits", "cola", "drift", "merit", "promotion", "hires")
BRIDGE_LABELS = ("exits", "COLA", "drift", "merit", "promotion", "hires")
BAR = 0.36
ROW_INCHES = 0.3
ARROW = 0.02  # share of the bounds; a shorter move has its marks only

Vector = npt.NDArray[np.float64]


def levers(changes: Sequence[tuple[str, Lever, float, float]]) -> str:
    """Draw each changed lever (name, declaration, old, new) within its hard bounds and recommended range."""

    def draw(figure: Figure) -> None:
        axes = style_axes(figure.subplots(), grid=None)
        axes.spines["bottom"].set_visible(False)
        for place, (_, lever, old, new) in enumerate(changes):
            low, high = lever.bounds

            def at(value: float, low: float = low, high: float = high) -> float:
                return (value - low) / (high - low)

            axes.plot([0, 1], [place, place], color=color("line"), linewidth=1.2, zorder=1)
            first, last = (at(edge) for edge in lever.recommended)
            axes.barh(
                place,
                last - first,
                left=first,
                height=0.5,
                color=color("band"),
                zorder=2,
                label="recommended" if not place else None,
            )
            if abs(at(new) - at(old)) > ARROW:
                axes.annotate(
                    "",
                    (at(new), place),
                    (at(old), place),
                    arrowprops={
                        "arrowstyle": "-|>",
                        "color": color("after"),
                        "linewidth": 1.4,
                        "shrinkA": 0,
                        "shrinkB": 0,
                    },
                    zorder=3,
                )
            axes.scatter(
                at(old), place, s=20, color=color("before"), zorder=4, label=None if place else "old"
            )
            axes.scatter(at(new), place, s=20, color=color("after"), zorder=5, label=None if place else "new")
            axes.text(-0.01, place, f"{low:g}", ha="right", va="center", color=color("muted"), fontsize=8)
            axes.text(1.01, place, f"{high:g}", ha="left", va="center", color=color("muted"), fontsize=8)
        axes.set_yticks(range(len(changes)), [name for name, *_ in changes])
        axes.tick_params(axis="y", labelcolor=color("ink"), pad=34)
        axes.set_xticks([])
        axes.set_xlim(-0.005, 1.005)
        axes.set_ylim(len(changes) - 0.4, -0.6)
        add_legend(axes)

    height = 0.6 + ROW_INCHES * len(changes)
    return draw_svg("levers", height, draw, alt="Levers from old to new within bounds and recommended range")


def bridge(before: Kpis, after: Kpis) -> str:
    """Draw the parts of growth by year in pp, before on the left and after on the right."""

    def draw(figure: Figure) -> None:
        axes = style_axes(figure.subplots())
        axes.axhline(0, color=color("muted"), linewidth=0.8)
        for side, kpis in ((-1, before), (1, after)):
            x = np.arange(len(kpis)) + side * BAR / 1.9
            ups, downs = np.zeros(len(kpis)), np.zeros(len(kpis))
            for part, label in zip(BRIDGE, BRIDGE_LABELS, strict=True):
                values = np.array([PP * float(year.get(f"bridge_{part}") or 0.0) for year in kpis])
                if part == "drift" and not values.any():
                    continue
                floor = np.where(values >= 0, ups, downs)
                axes.bar(
                    x,
                    values,
                    BAR,
                    bottom=floor,
                    color=color(part),
                    alpha=0.55 if side < 0 else 1.0,
                    label=label if side > 0 else None,
                )
                ups, downs = ups + np.maximum(values, 0), downs + np.minimum(values, 0)
            growth = [PP * float(year["growth_all"] or 0.0) for year in kpis]
            axes.scatter(
                x,
                growth,
                marker="D",
                s=18,
                color=color("ink"),
                zorder=4,
                label="growth" if side > 0 else None,
            )
        axes.set_xticks(range(len(after)), [f"{year['simulation_year']}\nbefore | after" for year in after])
        axes.set_ylabel("pp of growth")
        add_legend(axes)

    return draw_svg("bridge", 3.2, draw, alt="Growth bridge by year, before and after")


def cost(before: Kpis, after: Kpis, limit: float | None) -> str:
    """Draw payroll at year end, before and after, with its limit if it has one."""

    def draw(figure: Figure) -> None:
        axes = style_axes(figure.subplots())
        for side, kpis, role, label in ((-1, before, "before", "before"), (1, after, "after", "after")):
            x = np.arange(len(kpis)) + side * BAR / 1.9
            bars = axes.bar(x, [float(year["payroll"]) for year in kpis], BAR, color=color(role), label=label)
            texts = [money_short(float(year["payroll"])) for year in kpis]
            ground = {"facecolor": color("page"), "edgecolor": "none", "pad": 1}
            axes.bar_label(bars, texts, padding=3, fontsize=8, color=color("muted"), bbox=ground, zorder=5)
        if limit is not None:
            axes.axhline(limit, color=color("bad"), linewidth=1.2, linestyle=(0, (4, 2)), label="limit")
        axes.set_xticks(range(len(after)), [str(year["simulation_year"]) for year in after])
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: money_short(value).replace(".0", "")))
        axes.set_ylabel("payroll at year end")
        add_legend(axes)

    return draw_svg("cost", 2.9, draw, alt="Payroll by year, before and after")


def convergence(trials: Sequence[tuple[Trial, float]], tolerance: float, result: int | None) -> str:
    """Draw each trial's distance above its target (pp; linear near 0, logarithmic beyond)."""

    def draw(figure: Figure) -> None:
        axes = style_axes(figure.subplots())
        near = PP * tolerance
        axes.axhspan(-near, near, color=color("band"), linewidth=0)
        axes.axhline(0, color=color("good"), linewidth=0.8)
        groups = (
            ("preview", True, "o", "none", "preview"),
            ("real", True, "o", color("after"), "plan"),
            ("", False, "x", color("bad"), "gate failed"),
        )
        for kind, feasible, marker, face, label in groups:
            points = [
                (t.number, PP * above)
                for t, above in trials
                if t.evaluation is not None
                and t.evaluation.feasible == feasible
                and (not kind or t.kind == kind)
            ]
            if points:
                x, y = zip(*points, strict=True)
                edge = color("after") if feasible else color("bad")
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
        best = next(((t.number, PP * above) for t, above in trials if t.number == result), None)
        if best is not None:
            axes.scatter(
                *best,
                s=130,
                facecolors="none",
                edgecolors=color("good"),
                linewidths=1.6,
                label="result",
                zorder=4,
            )
        axes.set_yscale("symlog", linthresh=2 * near, linscale=0.8)
        axes.yaxis.set_major_formatter(
            FuncFormatter(lambda v, _: f"{v:+g}".replace("-", MINUS) if v else "0")
        )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("trial")
        axes.set_ylabel("above the target, pp")
        add_legend(axes)

    return draw_svg(
        "convergence", 3.0, draw, alt="Distance of every trial from the target, with the tolerance band"
    )


def robustness(
    reached: Sequence[float], target: float | None, tolerance: float, result: float, label: str
) -> str:
    """Draw the distribution of what other draws reach, one mark a draw; green: within the tolerance."""

    def draw(figure: Figure) -> None:
        axes = style_axes(figure.subplots())
        values = PP * np.array(reached)
        edges = seed_bins(values, None if target is None else PP * target, PP * tolerance)
        counts, _ = np.histogram(values, edges)
        roles = ["before"] * len(counts)
        if target is not None:
            low, high = PP * (target - tolerance), PP * (target + tolerance)
            axes.axvspan(low, high, color=color("band"), linewidth=0, zorder=0, label="target ± tolerance")
            middles = (edges[1:] + edges[:-1]) / 2
            fine = np.diff(edges)[0] <= PP * tolerance * ROUNDED
            roles = ["good" if fine and low < middle < high else "before" for middle in middles]
        axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=[color(role) for role in roles])
        for edge in edges:
            axes.axvline(edge, ymax=0.98, color=color("page"), linewidth=1.0)
        seeds = np.full(len(values), -0.03 * counts.max())
        axes.plot(values, seeds, "|", color=color("ink"), markersize=7, label="one draw", clip_on=False)
        axes.axvline(PP * result, color=color("after"), linewidth=1.6, label="result")
        mean = float(values.mean())
        axes.axvline(mean, color=color("ink"), linewidth=1.2, linestyle=(0, (4, 2)), label="mean")
        axes.set_ylim(bottom=-0.09 * counts.max())
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.set_xlabel(f"{label}, %")
        axes.set_ylabel("draws")
        add_legend(axes)

    return draw_svg("robustness", 2.7, draw, alt="Distribution over other draws")


def sensitivity(effects: Mapping[str, float], label: str) -> str:
    """Draw the change of what is reached (pp) when a lever crosses its recommended range, largest first."""
    ordered = sorted(effects.items(), key=lambda item: -abs(item[1]))

    def draw(figure: Figure) -> None:
        axes = style_axes(figure.subplots(), grid="x")
        values = [PP * effect for _, effect in ordered]
        roles = [color("after" if value >= 0 else "bad") for value in values]
        bars = axes.barh(range(len(values)), values, 0.6, color=roles)
        texts = [f"{value:+.2f}".replace("-", MINUS) for value in values]
        axes.bar_label(bars, texts, padding=3, fontsize=8, color=color("muted"))
        axes.set_yticks(range(len(values)), [name for name, _ in ordered])
        axes.tick_params(axis="y", labelcolor=color("ink"))
        axes.invert_yaxis()
        axes.margins(x=0.08)
        axes.set_xlabel(f"pp of the {label} for the width of the recommended range")

    return draw_svg(
        "sensitivity", 0.7 + ROW_INCHES * len(ordered), draw, alt=f"Sensitivity of the {label} to each lever"
    )


def front(points: Sequence[Mapping[str, Any]], picks: Mapping[str, Any]) -> str:
    """Draw the front: each further objective over the first, the knee and the picks marked by trial."""
    names = list(points[0]["values"])
    others = names[1:]

    def draw(figure: Figure) -> None:
        for axes, other in zip(figure.subplots(1, len(others), squeeze=False)[0], others, strict=True):
            style_axes(axes, grid="both", left=True)
            x, y = ([point["values"][name] for point in points] for name in (names[0], other))
            line = (
                {"drawstyle": "steps-post", "color": color("line")}
                if len(names) == 2
                else {"linestyle": "none"}
            )
            axes.plot(
                x, y, marker="o", markersize=4, markerfacecolor=color("before"), markeredgewidth=0, **line
            )
            for point in points:
                at = (point["values"][names[0]], point["values"][other])
                is_knee = point["trial"] == picks.get("knee")
                if is_knee or point["trial"] in picks.get("diverse", ()):
                    label = f"knee, {point['trial']}" if is_knee else str(point["trial"])
                    role = "good" if is_knee else "after"
                    axes.scatter(*at, s=70 if is_knee else 36, color=color(role), zorder=4)
                    axes.annotate(
                        label, at, (6, 6), textcoords="offset points", fontsize=8, color=color(role)
                    )
            axes.set_xlabel(f"{names[0]} (lower is better)")
            axes.set_ylabel(other)

    return draw_svg("front", 3.3, draw, alt="Trade-offs between the objectives")


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
