// What only the browser can do: address and history, title, theme, activity of the user, a lost connection.
const YEAR_SECONDS = 31536000
const ACTIVITY_MS = 30000    // between two reports that the user is active
const RECONNECT_MS = 2000    // between two attempts to reach the server
const FOCUS_POLL_MS = 100    // between two checks of where the focus is
const STEPS = ["page", "scenario", "study", "employee"]  // a change of these is a step in the history

const step = (search) => { const query = new URLSearchParams(search); return STEPS.map((name) => query.get(name) ?? "").join("\n") }

function focusedElement() {
  let at = document.activeElement
  while (at?.shadowRoot?.activeElement) { at = at.shadowRoot.activeElement }
  return at
}

function dialogOf(element) {
  for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
    if (at.classList.contains("MuiDialog-root")) { return at }
  }
  return null
}

// When a dialog closes, return the focus to where it was; on its own a dialog only finds the host of a shadow root.
// It polls because a focus that moves within a shadow root raises no event outside.
function restoreFocus() {
  let before = null, open = null
  const timer = setInterval(() => {
    const at = focusedElement(), nowhere = !at || at === document.body, dialog = nowhere ? null : dialogOf(at)
    if (dialog) { open = dialog } else if (open && !open.isConnected) {
      open = null
      const back = before?.isConnected && !before.disabled ? before : document.querySelector("main")
      if (nowhere) { back?.focus({focusVisible: true}) }
    } else if (!open && !nowhere) { before = at }
  }, FOCUS_POLL_MS)
  return () => clearInterval(timer)
}

function showConnectionLost() {
  if (document.getElementById("connection-lost")) { return }
  document.body.inert = false
  const banner = document.createElement("div")
  banner.id = "connection-lost"
  banner.setAttribute("role", "alert")
  const text = document.createElement("span")
  text.textContent = "The connection to the server is lost, and this page may be outdated. It reloads when the server answers; the page and your edits are kept in the address."
  const button = document.createElement("button")
  button.type = "button"
  button.textContent = "Reload now"
  button.addEventListener("click", () => location.reload())
  banner.append(text, button)
  document.body.append(banner)
  const reconnect = async () => {
    try {
      await fetch(new URL("static/js/bokeh.min.js", document.baseURI), {method: "HEAD", cache: "no-store"})
      location.reload()
    } catch { setTimeout(reconnect, RECONNECT_MS) }
  }
  setTimeout(reconnect, RECONNECT_MS)
}

export function render({model, view}) {
  const bokeh = view.model.document

  // The page takes no input (the template makes it inert) until the server has confirmed that it is ready.
  const arrive = () => {
    if (!model.arrived) { return }
    document.body.inert = false
    document.documentElement.dataset.arrived = "true"
  }
  model.on("arrived", arrive)
  model.send_msg({here: true})

  const write = () => {
    if (model.search === location.search) { return }
    const url = location.pathname + model.search
    if (step(model.search) === step(location.search)) { history.replaceState({}, "", url) } else { history.pushState({}, "", url) }
  }
  model.on("search", write)
  if (model.search !== location.search) { history.replaceState({}, "", location.pathname + model.search) }
  const back = () => { model.search = location.search }
  addEventListener("popstate", back)

  const zone = encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone ?? "")
  document.cookie = `planwise-zone=${zone}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`

  // A link to another page switches the page instead of loading the application again.
  addEventListener("click", (event) => {
    const link = event.composedPath().find((part) => part.tagName === "A" && part.getAttribute("href")?.startsWith("?page="))
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) { return }
    event.preventDefault()
    model.send_msg({query: link.getAttribute("href")})
  })

  const title = () => { document.title = model.title }
  model.on("title", title)
  title()

  model.on("dark", () => {
    document.cookie = `planwise-theme=${model.dark ? "dark" : "light"}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`
  })

  // Components that were created before the theme changed still have the previous theme when they are shown.
  let scheduled = false
  const applyTheme = () => {
    scheduled = false
    const parts = [...bokeh.all_models].filter((part) => typeof part.data?.dark_theme === "boolean")
    const page = parts.find((part) => part.class_name === "Page")
    if (!page) { return }
    for (const part of parts) {
      if (part.data.dark_theme !== page.data.dark_theme) { part.data.dark_theme = page.data.dark_theme }
    }
  }
  const applyThemeLater = () => { if (!scheduled) { scheduled = true; requestAnimationFrame(() => setTimeout(applyTheme)) } }
  bokeh.on_change(applyThemeLater)
  applyThemeLater()

  let last = 0
  const active = () => {
    if (Date.now() - last > ACTIVITY_MS) { last = Date.now(); model.active = last }
  }
  for (const kind of ["keydown", "pointerdown", "wheel"]) { addEventListener(kind, active, {capture: true, passive: true}) }

  const leave = () => { if (model.leave) { document.body.replaceChildren(); location.replace(model.leave) } }
  model.on("leave", leave)
  leave()

  bokeh.on_event("connection_lost", showConnectionLost)

  const stop = restoreFocus()
  model.on("remove", () => {
    stop()
    bokeh.remove_on_change(applyThemeLater)
    removeEventListener("popstate", back)
    for (const kind of ["keydown", "pointerdown", "wheel"]) { removeEventListener(kind, active, {capture: true}) }
  })
}
