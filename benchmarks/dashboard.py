"""How soon the dashboard answers, measured in a browser: `python -m benchmarks.dashboard`.

A lever is edited with the keyboard, as a person does it: one press is one step of a slider, one number typed
is one edit. The clock starts with the event of the edit in the page and stops when the frame after the new
figures has been painted; each value is one that was never asked for before, so nothing comes from a cache.
First paint is the browser's own first contentful paint; key figures is when the first of them has a digit.
"""

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.dashboard_world import VIEWPORT, browsing, world
from benchmarks.record import default_output, record, write
from benchmarks.serving import Served, let_in

Tell = Callable[[str], None]
EDIT_BAR_MS = 300.0  # p95 at 10,000 employees
PAINT_BAR_MS = 2000.0
FIGURES_BAR_MS = 4000.0
BAR_EMPLOYEES = 10_000
PAUSE_MS = 700  # between edits: the charts and who is affected have come, as when a person looks at them
SETTLE_MS = 4000  # after opening: charts are drawn, workers are ready
PATIENCE_MS = 120_000
VISITS = 5
STEPS_KNOWN = 3
PAY, DYNAMICS = "Cost-of-living raise", "Promotion probability, L1 Staff"

# In the page: roots are nested shadow trees. `arm` watches for the next edit; `__edit` is what it took.
SCRIPT = """() => {
window.__deep = (wanted, root = document) => {
  const found = root.querySelector(wanted)
  if (found) { return found }
  for (const element of root.querySelectorAll("*")) {
    const inner = element.shadowRoot && window.__deep(wanted, element.shadowRoot)
    if (inner) { return inner }
  }
  return null
}
window.__arm = (label, kind) => {
  const input = window.__deep(`input[aria-label="${label}"]`)
  const live = window.__deep(".live")
  const before = Number(live.dataset.answer), key = live.dataset.key
  window.__edit = new Promise((resolve, reject) => {
    let started = 0
    setTimeout(() => reject(new Error(`no figures after an edit of ${label}`)), PATIENCE_MS)
    const watch = new MutationObserver(() => {
      if (Number(live.dataset.answer) <= before || live.dataset.key === key || !started) { return }
      watch.disconnect()
      const seen = performance.now() - started
      const badge = live.querySelector(".badge").textContent
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(
        {milliseconds: performance.now() - started, seen, cached: badge.includes("cache")})))
    })
    watch.observe(live, {attributes: true, childList: true, subtree: true})
    input.addEventListener(kind, () => { started = performance.now() }, {capture: true, once: true})
  })
  input.focus()
}
}""".replace("PATIENCE_MS", str(PATIENCE_MS))
FIRST = """
(() => {
  const deep = (root) => {
    const figures = [...root.querySelectorAll(".kpi .figure")]
    if (figures.some((figure) => /\\d/.test(figure.textContent))) { return true }
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot && deep(element.shadowRoot)) { return true }
    }
    return false
  }
  const look = () => {
    if (deep(document)) { requestAnimationFrame(() => { window.__figures = performance.now() }) }
    else { setTimeout(look, 15) }
  }
  document.addEventListener("DOMContentLoaded", look)
})()
"""


def measure(browser: Any, served: Served, edits: int, tell: Tell) -> dict[str, float]:
    """Return p50 and p95 of edits by kind and of first paints, in milliseconds."""
    found: dict[str, float] = {}
    url, window = served.url, browser.new_context(viewport=VIEWPORT)
    let_in(window, served)
    for name, address in (("overview", url), ("plan", f"{url}/?page=plan")):
        tell(f"first paint of {name}")
        visits = [_visit(window, address) for _ in range(VISITS + 1)][1:]  # the first fills the caches
        for part in ("paint", "figures"):
            found |= _summary(f"{name}_first_{part}", [visit[part] for visit in visits])
    page = window.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{url}/?page=plan")
    page.wait_for_selector(".live .exact >> text=of")
    page.evaluate(SCRIPT)
    page.wait_for_timeout(SETTLE_MS)
    tell("slider of a pay lever")
    found |= _summary("edit_pay_slider", [_press(page, f"{PAY}, slider") for _ in range(edits)])
    tell("number of a pay lever")
    found |= _summary(
        "edit_pay_number", [_type(page, f"{PAY}, %", 2.013 + 0.017 * edit) for edit in range(edits)]
    )
    tell("slider of a lever that changes the dynamics")
    found |= _summary(
        "edit_dynamics_slider", [_press(page, f"{DYNAMICS}, slider") for _ in range(edits // 2)]
    )
    page.close()
    return found


def _tell(status: Any, employees: int, text: str) -> None:
    status.update(f"{employees:,} employees: {text}")


def _press(page: Any, label: str) -> float:
    """Move a slider; a step that the effects of levers have simulated already is passed over."""
    for _ in range(STEPS_KNOWN):
        page.evaluate("label => window.__arm(label, 'input')", label)
        page.keyboard.press("ArrowRight")
        if not page.evaluate("() => window.__edit")["cached"]:
            break
        page.wait_for_timeout(PAUSE_MS)
    return _took(page)


def _type(page: Any, label: str, value: float) -> float:
    page.evaluate("label => window.__arm(label, 'change')", label)
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(f"{value:.3f}")
    page.keyboard.press("Enter")
    return _took(page)


def _took(page: Any) -> float:
    edit = page.evaluate("() => window.__edit")
    if edit["cached"]:
        raise RuntimeError("An edit was answered from a cache: it measures nothing.")
    page.wait_for_timeout(PAUSE_MS)
    return float(edit["milliseconds"])


def _visit(window: Any, address: str) -> dict[str, float]:
    page = window.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script(FIRST)
    page.goto(address)
    page.wait_for_function("() => window.__figures")
    paint = page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0].startTime")
    figures = page.evaluate("() => window.__figures")
    page.wait_for_timeout(PAUSE_MS)
    page.close()
    return {"paint": float(paint), "figures": float(figures)}


def _summary(name: str, values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return {f"{name}_ms_p50": statistics.median(ordered), f"{name}_ms_p95": p95}


def bar_of(name: str) -> float:
    """Return the bar of a figure's p95, in milliseconds."""
    if "_first_" not in name:
        return EDIT_BAR_MS
    return FIGURES_BAR_MS if "_first_figures_" in name else PAINT_BAR_MS


def report(by_employees: dict[int, dict[str, float]]) -> Table:
    """Return the table of figures, with the bar where there is one."""
    table = Table("employees", "figure", "found", "bar", "", title="The dashboard, in the browser")
    for employees, found in by_employees.items():
        for name, value in found.items():
            bar = bar_of(name) if name.endswith("_p95") else None
            bar = None if bar == EDIT_BAR_MS and employees != BAR_EMPLOYEES else bar
            verdict = "" if bar is None else "met" if value <= bar else "not met"
            shown = "" if bar is None else f"≤ {bar:,.0f} ms"
            table.add_row(f"{employees:,}", name, f"{value:,.0f} ms", shown, verdict)
    return table


def main() -> None:
    """Run the benchmark and write its report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--employees", type=int, action="append", help="size of a census; may be repeated")
    parser.add_argument("--edits", type=int, default=40)
    parser.add_argument("--home", type=Path, help="a home to serve instead of making one")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    sizes = options.employees or [BAR_EMPLOYEES]
    if options.home and len(sizes) > 1:
        parser.error("--home is one home: give one --employees with it.")
    console = Console()
    by_employees = {}
    with console.status("starting") as status, browsing() as browser:
        for employees in sizes:
            status.update(f"{employees:,} employees: making a home")
            with world(employees, options.home) as served:
                by_employees[employees] = measure(
                    browser,
                    served,
                    options.edits,
                    lambda text, n=employees: status.update(f"{n:,}: {text}"),
                )
    console.print(report(by_employees))
    output = options.output or default_output(Path("reports/benchmarks"))
    write(record(by_employees, suite="dashboard", runs=options.edits), output)
    console.print(f"Written to {output}.")


if __name__ == "__main__":
    main()
