"""Walk a page with the Tab key: where the focus is, whether one sees it, whether it can get away."""

STOPS_MAX = 120

FOCUSED = """() => {
  let element = document.activeElement
  while (element?.shadowRoot?.activeElement) { element = element.shadowRoot.activeElement }
  if (!element || element === document.body) { return null }
  const outlined = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
  let seen = outlined(getComputedStyle(element)) || getComputedStyle(element).boxShadow !== "none"
  // The mark may be on the part around an input.
  for (let near = element, steps = 0; near && steps < 4; near = near.parentElement, steps += 1) {
    seen ||= outlined(getComputedStyle(near))
      || near.matches(".Mui-focusVisible, .Mui-focused, :focus-visible .MuiTouchRipple-ripplePulsate")
  }
  const stops = window.__stops ??= {known: new WeakMap(), count: 0}
  if (!stops.known.has(element)) { stops.known.set(element, stops.count += 1) }
  const labels = element.labels?.length ? [...element.labels].map((label) => label.innerText).join(" ") : ""
  const spoken = (node) => node.nodeType === 3 ? node.data
    : node.nodeType !== 1 || node.getAttribute("aria-hidden") === "true" ? ""
    : [...node.childNodes].map(spoken).join("")
  const name = element.getAttribute("aria-label") || labels || spoken(element) || element.title || ""
  const box = element.getBoundingClientRect()
  return {id: stops.known.get(element), tag: element.tagName.toLowerCase(), name: name.trim(), seen,
    shown: box.width > 0 && box.height > 0, role: element.getAttribute("role") ?? ""}
}"""


class Keyboard:
    """Presses keys, and remembers stops at which one could not see where the focus is."""

    def __init__(self, page):
        self.page = page
        self.unseen = []

    def focused(self):
        return self.page.evaluate(FOCUSED)

    def tab(self, key="Tab"):
        """Go to the next stop; return it. It is another one than before."""
        before = self.focused()
        self.page.keyboard.press(key)
        now = self.focused()
        assert now is None or before is None or now["id"] != before["id"], f"trapped at {now}"
        if now and not now["seen"]:
            self.unseen.append(f"{now['tag']} {now['name'][:60]!r}")
        return now

    def wait_for(self, name):
        """Wait until the focus comes to what has this name by itself."""
        self.page.wait_for_function(f"name => ({FOCUSED})()?.name === name", arg=name)

    def tab_to(self, name, tag=None, key="Tab", exact=False):
        """Go on until what has this name (or, unless `exact`, begins with it) is focused."""
        passed = []
        for _ in range(STOPS_MAX):
            stop = self.tab(key)
            passed.append(stop["name"][:40] if stop else "page")
            named = stop and (stop["name"] == name if exact else stop["name"].startswith(name))
            if named and tag in (None, stop["tag"]):
                return stop
        raise AssertionError(f"Tab does not come to {name!r}; it came to {passed}")

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text):
        """Replace what is in the focused field."""
        self.press("Control+a")
        self.page.keyboard.type(text)
