// The bar at the top: product, scenario, status, notifications, account; and new notifications as toasts.
const SHOWN_MS = {info: 6000, success: 6000}  // warnings and errors stay until they are closed or the list is opened
const ICONS = {info: "info", success: "check_circle", warning: "warning", error: "error"}

function element(tag, className, text) {
  const made = document.createElement(tag)
  if (className) { made.className = className }
  if (text) { made.textContent = text }
  return made
}

// Show text in backticks as code.
function withCode(made, text) {
  made.append(...text.split(/`([^`]+)`/).map((part, index) => index % 2 ? element("code", "", part) : part))
  return made
}

function icon(name) { return Object.assign(element("span", "icon", name), {ariaHidden: "true"}) }

function button(className, label, ...content) {
  const made = element("button", className)
  made.type = "button"
  if (label) { made.setAttribute("aria-label", label); made.title = label }
  made.append(...content)
  return made
}

function timeText(at) {
  const time = new Date(at), today = new Date().toDateString() === time.toDateString()
  const clock = time.toLocaleTimeString("en-GB", {hour: "2-digit", minute: "2-digit"})
  return today ? clock : `${time.toLocaleDateString("en-GB", {day: "numeric", month: "short"})}, ${clock}`
}

export function render({model, el}) {
  const product = element("a", "product", "PlanWise")
  product.href = "?page=overview"
  product.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) { return }
    event.preventDefault()
    model.send_msg({go: "overview"})
  })
  const context = element("span", "context")
  const status = element("span", "status")
  status.setAttribute("role", "status")
  const refresh = button("tool", "Refresh results", icon("refresh"))
  refresh.addEventListener("click", () => model.send_msg({refresh: true}))
  const count = element("span", "count")
  const bell = button("tool bell", "Notifications", icon("notifications"), count)
  const person = button("tool person", "", icon("account_circle"), element("span", "name"))
  const toasts = element("div", "toasts")
  toasts.setAttribute("aria-live", "polite")
  const inbox = element("section", "panel")
  inbox.setAttribute("aria-label", "Notifications")
  const menu = element("section", "panel menu")
  menu.setAttribute("aria-label", "Account")
  const bar = element("div", "bar")
  bar.append(product, context, element("span", "space"), status, refresh, bell, person, inbox, menu, toasts)
  el.replaceChildren(bar)

  const popup = (owner, panel, opened) => {
    owner.setAttribute("aria-expanded", "false")
    panel.hidden = true
    panel.tabIndex = -1
    const set = (open) => {
      panel.hidden = !open
      owner.setAttribute("aria-expanded", String(open))
      if (open) { opened(); (panel.querySelector("a, button") ?? panel).focus() }
    }
    owner.addEventListener("click", (event) => { event.stopPropagation(); const open = panel.hidden; close(); set(open) })
    for (const part of [panel, owner]) {
      part.addEventListener("keydown", (event) => { if (event.key === "Escape" && !panel.hidden) { set(false); owner.focus() } })
    }
    panel.addEventListener("click", (event) => event.stopPropagation())
    return set
  }
  const showInbox = popup(bell, inbox, () => { toasts.replaceChildren(); model.send_msg({read: true}) })
  const showMenu = popup(person, menu, () => {})
  const close = () => { showInbox(false); showMenu(false) }
  addEventListener("click", close)

  const body = (notice, follow) => {
    const text = element("div", "text")
    text.append(withCode(element("p"), notice.text))
    if (notice.remedy) { text.append(withCode(element("p", "remedy"), notice.remedy)) }
    if (notice.link) {
      const link = button("link", "", notice.link)
      link.addEventListener("click", () => { model.send_msg({follow: notice.id}); follow() })
      text.append(link)
    }
    return text
  }
  const row = (notice, follow) => {
    const made = element("div", `notice ${notice.tone}`)
    made.append(icon(ICONS[notice.tone]), body(notice, follow))
    return made
  }

  // A toast stays while the pointer or the focus is on it.
  const fade = (toast, after) => setTimeout(() => {
    if (toast.matches(":hover, :focus-within")) { fade(toast, after) } else { toast.remove() }
  }, after)
  let seen = 0
  const showToasts = () => {
    for (const notice of model.notices.filter(({id}) => id > seen).reverse()) {
      seen = Math.max(seen, notice.id)
      const toast = row(notice, () => toast.remove())
      toast.setAttribute("role", notice.tone === "error" || notice.tone === "warning" ? "alert" : "status")
      const shut = button("shut", "Close", icon("close"))
      shut.addEventListener("click", () => toast.remove())
      toast.append(shut)
      toasts.append(toast)
      while (toasts.children.length > 4) { toasts.firstChild.remove() }
      if (SHOWN_MS[notice.tone]) { fade(toast, SHOWN_MS[notice.tone]) }
    }
  }
  const list = () => {
    const heading = element("h2", "", "Notifications")
    const rows = model.notices.map((notice) => {
      const made = row(notice, close)
      made.append(Object.assign(element("time", "", timeText(notice.at)), {dateTime: notice.at}))
      return made
    })
    inbox.replaceChildren(heading, ...(rows.length ? rows : [element("p", "none", "No notifications yet. Finished and failed jobs are listed here.")]))
    count.textContent = model.unread > 9 ? "9+" : model.unread || ""
    count.hidden = !model.unread
    const label = model.unread ? `Notifications, ${model.unread} unread` : "Notifications"
    bell.setAttribute("aria-label", label)
    bell.title = label
  }
  const showScenario = () => {
    context.replaceChildren()
    if (model.scenario) {
      const name = element("strong", "", model.scenario)
      name.title = model.scenario
      context.append(element("span", "label", "Scenario"), name)
    }
    if (model.census) {
      const census = element("span", "census", model.census)
      census.title = model.census
      context.append(element("span", "label", "Census"), census)
    }
    if (model.edits) {
      const edits = button("edits", "", `${model.edits} ${model.edits === 1 ? "edit" : "edits"} not saved`)
      edits.title = "Show the edits on the Plan page"
      edits.addEventListener("click", () => model.send_msg({go: "plan"}))
      context.append(edits)
    }
    status.textContent = model.updated ? `Updated ${timeText(model.updated)}` : ""
    status.title = "When these results were last read; new results appear automatically"
  }
  const showAccount = () => {
    person.querySelector(".name").textContent = model.person
    person.setAttribute("aria-label", `Account: ${model.person}, ${model.role}`)
    const rows = [element("p", "who", model.person), element("p", "remedy", `Role: ${model.role}`)]
    if (model.sign_out) {
      const out = element("a", "out", "Sign out")
      out.href = model.sign_out
      out.addEventListener("click", () => { out.href = `${model.sign_out}?${new URLSearchParams({next: `/${location.search}`})}` })
      rows.push(out)
    } else {
      rows.push(element("p", "remedy", "Sign-in is off: the dashboard is reachable from this machine only, and every user has all rights."))
    }
    menu.replaceChildren(...rows)
  }
  model.on("notices", () => { showToasts(); list() })
  model.on("unread", list)
  model.on(["scenario", "census", "edits", "updated"], showScenario)
  model.on("remove", () => removeEventListener("click", close))
  showToasts(); list(); showScenario(); showAccount()
}
