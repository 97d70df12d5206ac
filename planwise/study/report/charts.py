"""The charts of what an answer changes; each takes plain values and returns an SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from planwise.engine.outcome import Kpis
from planwise.study.report.canvas import drawn, ink, keyed, plain
from planwise.study.report.figures import PP, millions

BRIDGE = ("exits", "cola", "merit", "promotion", "hires")
BRIDGE_LABELS = ("exits", "COLA", "merit", "promotion", "hires")
BAR = 0.36
ROW_INCHES = 0.3
ARROW = 0.02  # of the bounds: a shorter move is seen by its marks alone


@dataclass(frozen=True)
class LeverRow:
    """A lever within its ranges, all in its own unit."""

    name: str
    old: float
    new: float
    bounds: tuple[float, float]
    recommended: tuple[float, float]


def levers(rows: Sequence[LeverRow]) -> str:
    """Draw each changed lever from old to new, within its hard bounds (0–1) and its recommended range."""

    def draw(figure: Figure) -> None:
        axes = plain(figure.subplots(), grid=None)
        axes.spines["bottom"].set_visible(False)
        for place, row in enumerate(rows):
            low, high = row.bounds

            def at(value: float, low: float = low, high: float = high) -> float:
                return (value - low) / (high - low)

            axes.plot([0, 1], [place, place], color=ink("line"), linewidth=1.2, zorder=1)
            first, last = (at(edge) for edge in row.recommended)
            axes.barh(
                place,
                last - first,
                left=first,
                height=0.5,
                color=ink("band"),
                zorder=2,
                label="recommended" if not place else None,
            )
            if abs(at(row.new) - at(row.old)) > ARROW:
                axes.annotate(
                    "",
                    (at(row.new), place),
                    (at(row.old), place),
                    arrowprops={
                        "arrowstyle": "-|>",
                        "color": ink("after"),
                        "linewidth": 1.4,
                        "shrinkA": 0,
                        "shrinkB": 0,
                    },
                    zorder=3,
                )
            axes.scatter(
                at(row.old), place, s=20, color=ink("before"), zorder=4, label=None if place else "old"
            )
            axes.scatter(
                at(row.new), place, s=20, color=ink("after"), zorder=5, label=None if place else "new"
            )
            axes.text(-0.01, place, _short(low), ha="right", va="center", color=ink("muted"), fontsize=8)
            axes.text(1.01, place, _short(high), ha="left", va="center", color=ink("muted"), fontsize=8)
        axes.set_yticks(range(len(rows)), [row.name for row in rows])
        axes.tick_params(axis="y", labelcolor=ink("ink"), pad=34)
        axes.set_xticks([])
        axes.set_xlim(-0.005, 1.005)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        keyed(axes)

    height = 0.6 + ROW_INCHES * len(rows)
    return drawn(
        "levers", height, draw, describe="Levers from old to new within bounds and recommended range"
    )


def bridge(before: Kpis, after: Kpis) -> str:
    """Draw what growth is made of, year by year: before on the left, after on the right, in pp."""

    def draw(figure: Figure) -> None:
        axes = plain(figure.subplots())
        axes.axhline(0, color=ink("muted"), linewidth=0.8)
        for side, kpis in ((-1, before), (1, after)):
            x = np.arange(len(kpis)) + side * BAR / 1.9
            ups, downs = np.zeros(len(kpis)), np.zeros(len(kpis))
            for part, label in zip(BRIDGE, BRIDGE_LABELS, strict=True):
                values = np.array([PP * float(year[f"bridge_{part}"] or 0.0) for year in kpis])
                floor = np.where(values >= 0, ups, downs)
                axes.bar(
                    x,
                    values,
                    BAR,
                    bottom=floor,
                    color=ink(part),
                    alpha=0.55 if side < 0 else 1.0,
                    label=label if side > 0 else None,
                )
                ups, downs = ups + np.maximum(values, 0), downs + np.minimum(values, 0)
            growth = [PP * float(year["growth_all"] or 0.0) for year in kpis]
            axes.scatter(
                x, growth, marker="D", s=18, color=ink("ink"), zorder=4, label="growth" if side > 0 else None
            )
        axes.set_xticks(range(len(after)), [f"{year['simulation_year']}\nbefore | after" for year in after])
        axes.set_ylabel("pp of growth")
        keyed(axes)

    return drawn("bridge", 3.2, draw, describe="Growth bridge by year, before and after")


def cost(before: Kpis, after: Kpis, limit: float | None) -> str:
    """Draw payroll at year end, before and after, and its limit where there is one."""

    def draw(figure: Figure) -> None:
        axes = plain(figure.subplots())
        for side, kpis, role, label in ((-1, before, "before", "before"), (1, after, "after", "after")):
            x = np.arange(len(kpis)) + side * BAR / 1.9
            bars = axes.bar(x, [float(year["payroll"]) for year in kpis], BAR, color=ink(role), label=label)
            texts = [millions(float(year["payroll"])) for year in kpis]
            ground = {"facecolor": ink("page"), "edgecolor": "none", "pad": 1}
            axes.bar_label(bars, texts, padding=3, fontsize=8, color=ink("muted"), bbox=ground, zorder=5)
        if limit is not None:
            axes.axhline(limit, color=ink("bad"), linewidth=1.2, linestyle=(0, (4, 2)), label="limit")
        axes.set_xticks(range(len(after)), [str(year["simulation_year"]) for year in after])
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: millions(value).replace(".0 M", " M")))
        axes.set_ylabel("payroll at year end")
        keyed(axes)

    return drawn("cost", 2.9, draw, describe="Payroll by year, before and after")


def _short(value: float) -> str:
    return f"{value:g}"
