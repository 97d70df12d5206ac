// Links to the pages, by group. A plain click shows the page here; with a modifier key it opens a new tab.
const LAYOUT_MS = 150  // until a page that was hidden has its layout again
const NARROW = 1100    // px: in narrower windows only the icons are shown at first

function element(tag, className, text) {
  const made = document.createElement(tag)
  if (className) { made.className = className }
  if (text) { made.textContent = text }
  return made
}

// Remember the scroll position of each page; a page that is shown for the first time starts at its top.
function keepScrollPosition(model, el) {
  const places = {}
  let shown = model.current
  const scrollable = () => {
    for (let root = el.getRootNode(); root; root = root.host?.getRootNode()) {
      const found = root.querySelector(".main-content")
      if (found) { return found }
    }
    return null
  }
  return () => {
    const content = scrollable()
    if (!content || model.current === shown) { return }
    places[shown] = content.scrollTop
    shown = model.current
    const place = places[shown] ?? 0
    for (const wait of [0, LAYOUT_MS]) { setTimeout(() => { content.scrollTop = place }, wait) }  // again once the page has its layout
  }
}

export function render({model, el}) {
  const draw = () => {
    const focused = el.getRootNode().activeElement?.dataset?.key
    const nav = element("nav", model.collapsed ? "rail" : "")
    nav.setAttribute("aria-label", "Pages")
    for (const {heading, pages} of model.groups) {
      const list = element("ul")
      list.setAttribute("aria-label", heading)
      nav.append(element("h2", "", heading), list)
      for (const {key, title, icon, href} of pages) {
        const item = element("li")
        const link = element("a")
        link.href = href
        link.dataset.key = key
        link.append(Object.assign(element("span", "icon", icon), {ariaHidden: "true"}), element("span", "label", title))
        link.title = model.collapsed ? title : ""
        if (key === model.current) { link.setAttribute("aria-current", "page") }
        link.addEventListener("click", (event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) { return }
          event.preventDefault()
          model.send_msg({go: key})
        })
        item.append(link)
        list.append(item)
      }
    }
    const toggle = element("button", "toggle")
    const label = model.collapsed ? "Show the names of the pages" : "Hide names of the pages"
    toggle.type = "button"
    toggle.title = label
    toggle.setAttribute("aria-label", label)
    toggle.setAttribute("aria-expanded", String(!model.collapsed))
    toggle.dataset.key = "toggle"
    toggle.append(Object.assign(element("span", "icon", model.collapsed ? "chevron_right" : "chevron_left"), {ariaHidden: "true"}))
    toggle.append(element("span", "label", "Hide names"))
    toggle.addEventListener("click", () => {
      document.cookie = `planwise-nav=${model.collapsed ? "full" : "rail"}; path=/; max-age=31536000; samesite=lax`
      model.collapsed = !model.collapsed
    })
    nav.append(toggle)
    el.replaceChildren(nav)
    if (focused) { el.querySelector(`[data-key="${focused}"]`)?.focus() }
  }
  if (innerWidth < NARROW && !document.cookie.includes("planwise-nav=")) { model.collapsed = true }
  model.on("current", keepScrollPosition(model, el))
  model.on(["current", "collapsed", "groups"], draw)
  draw()
}
