"""What tests see of a whole page: when it has settled, whether anything sticks out, which theme it has."""

import re

# Text of the page and its measures, shadow roots included. The page has settled when they stay the same for a
# while and nothing moves or changes its colour.
SETTLED = """({quiet, patience}) => new Promise((resolve) => {
  let moving = false
  const words = (root) => [...root.childNodes].map((node) => {
    if (node.nodeType === 3) { return node.data }
    if (node.nodeType !== 1 || /^(SCRIPT|STYLE)$/.test(node.tagName)) { return "" }
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
    else { setTimeout(look, 50) }
  }
  look()
})"""
QUIET_MILLISECONDS, PATIENCE_MILLISECONDS = 400, 15_000

CLIPPED = """() => {
  const found = []
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) { walk(element.shadowRoot) }
      if (!element.matches("button, [role=button], [role=tab]")) { continue }
      const text = element.innerText?.trim()
      const seen = element.clientWidth > 0 && getComputedStyle(element).visibility === "visible"
      if (!text || !seen) { continue }
      if (element.scrollWidth > element.clientWidth + 1) { found.push(text) }
    }
  }
  walk(document)
  return found
}"""


def come_to(page, url):
    """Go to an address; return when the page takes input."""
    page.goto(url)
    wait_for_input(page)


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


def sticks_out(page):
    """Return by how many pixels the page is wider than its window, and the buttons whose text is cut off."""
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return max(wider, 0), page.evaluate(CLIPPED)


def is_dark(page):
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in re.findall(r"\d+", color)[:3]) < 3 * 80
