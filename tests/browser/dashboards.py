"""Serve a dashboard as a process of its own, come to a page of it, and check the page as a whole."""

import functools
import os
import re
import sys
import tempfile
import time
from contextlib import contextmanager

from benchmarks.serving import FILE, let_in, serving, told
from scripts.axe import axe_script

SERVED = {}  # dashboards by address


@contextmanager
def dashboard(folder, *options, port=None, environment=None):
    """Run it on a free port, or on this one; yields its address."""
    environment = {"PLANWISE_PREVIEW_WORKERS": "1", **os.environ, **(environment or {})}
    with tempfile.TemporaryFile("w+") as log:
        try:
            with serving(folder, log, *options, port=port, environment=environment, ready=FILE) as served:
                SERVED[served.url] = served
                yield served.url
        finally:
            sys.stderr.write(f"What the dashboard told:\n{told(log)}")


# Text of the page and its measures, shadow roots included. The page has settled when they stay the same for a
# while and nothing moves or changes its colour.
SETTLED = """({quiet, patience}) => new Promise((resolve) => {
  let moving = false
  const words = (root) => [...root.childNodes].map((node) => {
    if (node.nodeType === 3) { return node.data }
    if (node.nodeType !== 1 || /^(SCRIPT|STYLE)$/.test(node.tagName)) { return "" }
    if (node.classList.contains("away")) { return "" }
    if (!node.shadowRoot) { return words(node) }
    moving ||= node.shadowRoot.getAnimations().some(ends)
    return words(node.shadowRoot) + words(node)
  }).join("")
  const ends = (one) => one.playState === "running" && one.effect?.getComputedTiming().endTime !== Infinity
  const begun = performance.now()
  let last = "", since = begun
  const look = () => {
    const now = performance.now(), {scrollWidth, scrollHeight, clientWidth} = document.documentElement
    moving = document.getAnimations().some(ends)
    const seen = [words(document.body), scrollWidth, scrollHeight, clientWidth].join("|")
    if (seen !== last || moving) { last = seen; since = now }
    if (now - since >= quiet || now - begun >= patience) { resolve(now - since >= quiet) }
    else { setTimeout(look, 130) }
  }
  look()
})"""
QUIET_MILLISECONDS, PATIENCE_MILLISECONDS = 400, 15_000

CLIPPED = """() => {
  const found = []
  const cardOf = (element) => {  // a table scrolls in its card, whatever is in it
    for (let one = element; one; one = one.parentNode ?? one.host) {
      if (one.matches?.(".scroll")) { return null }
      if (one.matches?.(".MuiPaper-root")) { return one }
    }
  }
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) { walk(element.shadowRoot) }
      if (!element.matches("button, [role=button], [role=tab]")) { continue }
      const text = element.innerText?.trim()
      const seen = element.clientWidth > 0 && getComputedStyle(element).visibility === "visible"
      if (!text || !seen) { continue }
      const card = cardOf(element)
      const outside = card && element.getBoundingClientRect().right > card.getBoundingClientRect().right + 1
      if (element.scrollWidth > element.clientWidth + 1 || outside) { found.push(text) }
    }
  }
  walk(document)
  return found
}"""


def come_to(page, url):
    """Go to an address, let in by its link; return when the page takes input."""
    address = "/".join(url.split("/")[:3])
    if address in SERVED:
        let_in(page.context, SERVED[address])
    page.goto(url)
    wait_for_input(page)


def cookie_of(url):
    """Return the headers that a dashboard without sign-in lets in."""
    return {"Cookie": SERVED[url].cookie}


def follow(page, query, title):
    """Come to another address of the dashboard as by the browser's buttons: nothing is loaded again."""
    page.evaluate(
        "query => { history.pushState({}, '', query); dispatchEvent(new PopStateEvent('popstate')) }", query
    )
    page.wait_for_function("title => document.title.startsWith(`${title} · `)", arg=title)
    page.locator(".loading:visible").first.wait_for(state="hidden")


def come_back(page):
    """Load the page again; return when it takes input."""
    page.reload()
    wait_for_input(page)


def wait_for_input(page):
    """Wait until the page, which has loaded, is told that the server knows of it: till then it is inert."""
    page.locator("body:not([inert])").wait_for(state="attached")


def settle(page):
    """Wait until the page stays the same for a while; a clock on it ends the patience."""
    page.evaluate(SETTLED, {"quiet": QUIET_MILLISECONDS, "patience": PATIENCE_MILLISECONDS})


# Pages that were looked at before are hidden: rules go through them too, and find nothing.
LEAVE_OUT = """() => {
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.classList.contains("away")) { element.remove() }
      else if (element.shadowRoot) { walk(element.shadowRoot) }
    }
  }
  walk(document)
}"""


def leave_out_pages_before(page):
    """Take the pages that are not shown out of the window; one does not come back to them."""
    page.evaluate(LEAVE_OUT)


def sticks_out(page):
    """Return by how many pixels the page is wider than its window, and the buttons whose text is cut off."""
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return max(wider, 0), page.evaluate(CLIPPED)


def is_dark(page):
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in re.findall(r"\d+", color)[:3]) < 3 * 80


TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BAD = {"serious", "critical"}
OF_COLOURS = ["color-contrast", "link-in-text-block"]
RUN = """async (runOnly) => {
  const found = await axe.run(document, {resultTypes: ["violations"], runOnly})
  const about = ({target, html, failureSummary}) => (
    {target: target.flat(9).join(" >>> "), html, why: failureSummary})
  return found.violations.map(({id, impact, help, nodes}) => ({id, impact, help, nodes: nodes.map(about)}))
}"""
SHOWN = 4  # elements of a violation that a failure names


@functools.cache
def _rules():
    return axe_script()


def violations(page, *, of_colours_alone=False):
    """Return the serious and critical violations as texts, one a rule, with the elements that break it.

    Another theme changes colours alone, so that the other rules need not be looked at again.
    A component may take up a new theme later than the page, which no text or animation shows: a rule is
    broken when it is still broken some seconds later.
    """
    if not page.evaluate("typeof axe == 'object'"):
        page.evaluate(_rules())
    patient_until = time.monotonic() + PATIENCE_MILLISECONDS / 1000
    rules = {"type": "rule", "values": OF_COLOURS} if of_colours_alone else {"type": "tag", "values": TAGS}
    while found := [_text(found) for found in page.evaluate(RUN, rules) if found["impact"] in BAD]:
        if time.monotonic() > patient_until:
            return found
        page.wait_for_timeout(QUIET_MILLISECONDS)
    return []


def _text(found):
    nodes = "\n".join(
        f"    {node['target']}\n      {node['html'][:300]}\n      {node['why'].splitlines()[-1].strip()}"
        for node in found["nodes"][:SHOWN]
    )
    more = f"\n    and {len(found['nodes']) - SHOWN} more" if len(found["nodes"]) > SHOWN else ""
    return f"{found['impact']} {found['id']}: {found['help']}\n{nodes}{more}"
