// The pages as links, grouped: a click shows a page here, any other way to follow a link opens it in a new tab.
const AFTER = 150    // ms until a page that was shown before stands again
const NARROW = 1100  // px: below, the icons alone, until one asks for the names

function element(tag, className, text) {
  const made = document.createElement(tag)
  if (className) { made.className = className }
  if (text) { made.textContent = text }
  return made
}

// Where a page was left, so that it is found there again; a page that is shown first begins at its top.
function keepPlace(model, el) {
  const places = {}
  let shown = model.current
  const scrolled = () => {
    for (let root = el.getRootNode(); root; root = root.host?.getRootNode()) {
      const found = root.querySelector(".main-content")
      if (found) { return found }
    }
    return null
  }
  return () => {
    const content = scrolled()
    if (!content || model.current === shown) { return }
    places[shown] = content.scrollTop
    shown = model.current
    const place = places[shown] ?? 0
    for (const wait of [0, AFTER]) { setTimeout(() => { content.scrollTop = place }, wait) }  // again once the page is there
  }
}

export function render({model, el}) {
  const draw = () => {
    const focused = el.getRootNode().activeElement?.dataset?.key
    const nav = element("nav", model.collapsed ? "rail" : "")
    nav.setAttribute("aria-label", "Pages")
    for (const {heading, pages} of model.groups) {
      const list = element("ul")
      const title = element("h2", "", heading)
      list.setAttribute("aria-label", heading)
      nav.append(title, list)
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
    const says = model.collapsed ? "Show the names of the pages" : "Hide names of the pages"
    toggle.type = "button"
    toggle.title = says
    toggle.setAttribute("aria-label", says)
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
  model.on("current", keepPlace(model, el))
  model.on(["current", "collapsed", "groups"], draw)
  draw()
}
