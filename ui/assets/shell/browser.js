// What only the browser knows or does: address and history, title, theme, activity, and a connection that is lost.
const YEAR_SECONDS = 31536000
const ACTIVE_EVERY = 30000  // ms between two signs of life of the person
const ASK_EVERY = 2000      // ms between two questions whether the server is there
const FOCUS_EVERY = 100     // ms between two looks where the focus is
const STEPS = ["page", "scenario", "study", "employee"]  // a change of these is a step that "back" takes back

const step = (search) => { const query = new URLSearchParams(search); return STEPS.map((name) => query.get(name) ?? "").join("\n") }

// A dialog gives the focus back to where it was; by themselves dialogs only find the host of a shadow root.
// It looks again and again because a focus that moves inside a shadow root tells nobody outside.
function giveFocusBack() {
  const focused = () => { let at = document.activeElement; while (at?.shadowRoot?.activeElement) { at = at.shadowRoot.activeElement } return at }
  const dialogOf = (at) => { for (; at; at = at.parentElement ?? at.getRootNode().host) { if (at.classList.contains("MuiDialog-root")) { return at } } return null }
  let before = null, open = null
  const look = setInterval(() => {
    const at = focused(), nowhere = !at || at === document.body, dialog = nowhere ? null : dialogOf(at)
    if (dialog) { open = dialog } else if (open && !open.isConnected) {
      open = null
      const back = before?.isConnected && !before.disabled ? before : document.querySelector("main")
      if (nowhere) { back?.focus({focusVisible: true}) }
    } else if (!open && !nowhere) { before = at }
  }, FOCUS_EVERY)
  return () => clearInterval(look)
}

export function render({model, view}) {
  const document_ = view.model.document

  // The page takes no input (the template makes it inert) until the server knows that it is here.
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

  const title = () => { document.title = model.title }
  model.on("title", title)
  title()

  model.on("dark", () => {
    document.cookie = `planwise-theme=${model.dark ? "dark" : "light"}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`
  })

  // Parts that were made before the theme was chosen, and are shown after it, come in the theme of before.
  let themed = false
  const theme = () => {
    themed = false
    const parts = [...document_.all_models].filter((part) => typeof part.data?.dark_theme === "boolean")
    const page = parts.find((part) => part.class_name === "Page")
    if (!page) { return }
    for (const part of parts) {
      if (part.data.dark_theme !== page.data.dark_theme) { part.data.dark_theme = page.data.dark_theme }
    }
  }
  const soon = () => { if (!themed) { themed = true; requestAnimationFrame(() => setTimeout(theme)) } }
  document_.on_change(soon)
  soon()

  let last = 0
  const active = () => {
    if (Date.now() - last > ACTIVE_EVERY) { last = Date.now(); model.active = last }
  }
  for (const kind of ["keydown", "pointerdown", "wheel"]) { addEventListener(kind, active, {capture: true, passive: true}) }

  const leave = () => { if (model.leave) { document.body.replaceChildren(); location.replace(model.leave) } }
  model.on("leave", leave)
  leave()

  const lost = () => {
    if (document.getElementById("connection-lost")) { return }
    document.body.inert = false
    const banner = document.createElement("div")
    banner.id = "connection-lost"
    banner.setAttribute("role", "alert")
    const text = document.createElement("span")
    text.textContent = "The connection to the server is lost: nothing on this page is up to date. It reloads by itself when the server answers; your page and edits are in its address."
    const button = document.createElement("button")
    button.type = "button"
    button.textContent = "Reload now"
    button.addEventListener("click", () => location.reload())
    banner.append(text, button)
    document.body.append(banner)
    const ask = async () => {
      try {
        await fetch(new URL("static/js/bokeh.min.js", document.baseURI), {method: "HEAD", cache: "no-store"})
        location.reload()
      } catch { setTimeout(ask, ASK_EVERY) }
    }
    setTimeout(ask, ASK_EVERY)
  }
  document_.on_event("connection_lost", lost)

  const stop = giveFocusBack()
  model.on("remove", () => {
    stop()
    document_.remove_on_change(soon)
    removeEventListener("popstate", back)
    for (const kind of ["keydown", "pointerdown", "wheel"]) { removeEventListener(kind, active, {capture: true}) }
  })
}
