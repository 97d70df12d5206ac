// Rows of parameters, each with a slider, a number and a reset. An edit is sent while a slider is dragged or a
// number is typed (`live`), and once more when it is final. Every edit has a number; the component of the figures
// hears of it at once (`planwise:edit`) and shows that it waits for the answer. A value is not written over while an
// edit of it has no answer yet (`answered` is the newest edit that has one): the values on their way are older.
const LIVE_MS = 50      // between two edits that are sent while a slider is dragged
const TYPING_MS = 350   // without a key, after which what is typed is tried
const SAID_MS = 2500    // how long a button says what it did
const page = window.planwise ??= {edits: 0}  // all editors of the page count together

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) { made.setAttribute(name, value === true ? "" : value) }
  }
  made.append(...children)
  return made
}

const RISKY = new Set(["LOW", "MEDIUM", "HIGH", "CRITICAL"])
const rounded = (value) => String(Number(value.toFixed(6)))
const parsed = (text) => Number(text.replace(",", ".").replace(/[%\u00d7x$\s]+$/i, ""))

// Only pages of this machine or behind TLS may write to the clipboard themselves.
const copied = async (text) => {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const field = element("textarea", {"aria-hidden": true, style: "position: fixed; opacity: 0"})
    field.value = text
    document.body.append(field)
    field.select()
    const done = document.execCommand("copy")
    field.remove()
    return done
  }
}

export function render({model, el}) {
  const root = element("div", {class: "board"})
  const panel = element("div", {class: "details", hidden: true})  // stays on the page: parts drawn off it have no styles
  if (model.details) { panel.append(model.get_child("details")) }
  el.append(root, panel)
  let rows = new Map()
  let held = null       // the parameter that a hand or a cursor is on: it is not written over
  const sent = new Map()  // the number of each parameter's newest edit
  let timer = 0
  let last = 0

  const next = (name) => {
    clearTimeout(timer)
    page.edits += 1
    sent.set(name, page.edits)
    document.dispatchEvent(new CustomEvent("planwise:edit", {detail: {number: page.edits}}))
    return page.edits
  }
  const send = (name, edit, live) => {
    last = performance.now()
    model.send_msg({kind: "edit", name, live, number: next(name), ...edit})
  }
  const soon = (name, read, wait) => {
    clearTimeout(timer)
    timer = setTimeout(() => { const edit = read(); if (edit !== null) { send(name, edit, true) } }, wait)
  }

  const row = (lever) => {
    const {name, unit} = lever
    const id = `edit-${name}`
    const slider = lever.slider ? element("input", {
      type: "range", min: lever.low, max: lever.high, step: lever.step,
      "aria-label": `${lever.aria}, slider`, "aria-describedby": `${id}-base`,
    }) : element("span")
    const number = element("input", {
      type: "text", id, inputmode: lever.slider ? "decimal" : null, autocomplete: "off", maxlength: 60,
      "aria-label": `${lever.aria}${unit ? `, ${unit}` : ""}`, "aria-describedby": `${id}-base ${id}-problem`,
    })
    const title = model.details
      ? element("button", {type: "button", class: "name", "aria-expanded": "false", title: `Details of ${lever.aria}`}, lever.label)
      : element("label", {for: id, class: "name"}, lever.label)
    const marks = element("span", {class: "marks"})
    const base = element("span", {class: "base", id: `${id}-base`})
    const back = element("button", {type: "button", class: "back", title: `Reset ${lever.aria}`, "aria-label": `Reset ${lever.aria}`}, "↺")
    const note = element("p", {class: "note"})
    const problem = element("p", {class: "problem", id: `${id}-problem`, role: "alert"})
    const track = element("span", {class: "track"}, slider)
    const line = element("div", {class: `lever${lever.slider ? "" : " plain"}`, "data-lever": name, title: lever.hint},
      element("span", {class: "what"}, title, marks), track,
      element("span", {class: "number"}, number, element("span", {class: "unit", "aria-hidden": true}, unit)), base, back, note, problem)
    if (lever.slider) {
      const place = (value) => `${100 * (value - lever.low) / (lever.high - lever.low)}%`
      if (lever.recommended) {
        track.style.setProperty("--from", place(lever.recommended[0]))
        track.style.setProperty("--to", place(lever.recommended[1]))
      }
      const at = () => ({value: slider.valueAsNumber})
      slider.addEventListener("input", () => {
        held = name
        number.value = rounded(slider.valueAsNumber)
        line.classList.add("changed")
        soon(name, at, Math.max(0, last + LIVE_MS - performance.now()))  // a key's or a click's change comes first
      })
      slider.addEventListener("change", () => { held = null; send(name, at(), false) })
    }
    const typed = () => number.value.trim() === "" ? null : {text: number.value}
    const finish = () => {
      held = null
      if (number.value.trim() === "" && !lever.nullable) { clearTimeout(timer); write() } else { send(name, {text: number.value}, false) }
    }
    number.addEventListener("input", () => { held = name; soon(name, typed, TYPING_MS) })
    number.addEventListener("change", finish)
    number.addEventListener("blur", () => { if (held === name) { held = null; write() } })
    number.addEventListener("keydown", (event) => {
      const step = {ArrowUp: 1, ArrowDown: -1}[event.key]
      if (step && lever.slider && Number.isFinite(parsed(number.value))) {
        event.preventDefault()
        number.value = rounded(Math.min(lever.high, Math.max(lever.low, parsed(number.value) + step * lever.step)))
        send(name, {text: number.value}, false)
      } else if (event.key === "Escape") {
        clearTimeout(timer)
        held = null
        number.value = model.values[name].varies ? "" : model.values[name].text
        model.send_msg({kind: "forget", name, number: next(name)})
      }
    })
    back.addEventListener("click", () => {
      number.focus()
      model.send_msg({kind: "reset", name, number: next(name)})
    })
    if (model.details) { title.addEventListener("click", () => { model.chosen = model.chosen === name ? "" : name }) }
    rows.set(name, {line, slider, number, title, marks, base, back, note, problem, track, lever})
    return line
  }

  const write = () => {
    for (const [name, {line, slider, number, marks, base, back, note, problem, track, lever}] of rows) {
      const state = model.values[name]
      if (!state) { continue }
      const text = state.varies ? "" : state.text
      const unanswered = (sent.get(name) ?? 0) > model.answered
      if (name !== held && !unanswered) {
        if (!state.problem && number.value !== text) { number.value = text }
        number.placeholder = state.varies ? "varies" : lever.empty
        if (lever.slider) { slider.value = state.position }
      }
      if (lever.slider) {
        slider.setAttribute("aria-valuetext", state.varies ? "differs by year" : `${number.value}${lever.unit}`)
        const share = (state.base_position - lever.low) / (lever.high - lever.low)
        track.style.setProperty("--base", Math.min(1, Math.max(0, share)))
      }
      base.replaceChildren(state.base_text, ...(state.tier === "default" ? [] : [element("small", {class: "tier"}, state.tier)]))
      base.title = `${lever.aria}: ${state.base_text} in the base scenario, tier ${state.tier}`
      marks.replaceChildren(
        ...(state.lock ? [element("span", {class: "lock", role: "img", "aria-label": state.lock, title: state.lock})] : []),
        ...(RISKY.has(state.risk) ? [element("span", {class: `risk ${state.risk.toLowerCase()}`, title: `Risk ${state.risk}`}, state.risk)] : []))
      const closed = Boolean(state.lock) || !model.editable
      number.disabled = closed
      if (lever.slider) { slider.disabled = closed }
      line.classList.toggle("changed", state.changed)
      back.disabled = !state.changed || closed
      if (note.textContent !== state.note) { note.textContent = state.note }
      problem.textContent = state.problem
      number.setAttribute("aria-invalid", state.problem ? "true" : "false")
    }
  }

  const unfold = () => {
    if (!model.details) { return }
    for (const [name, {line, title}] of rows) {
      title.setAttribute("aria-expanded", String(name === model.chosen))
      line.classList.toggle("chosen", name === model.chosen)
      if (name === model.chosen) { line.after(panel) }
    }
    panel.hidden = !rows.has(model.chosen)
  }

  // A click chooses one year; with Shift or Ctrl it adds a year or takes it away.
  const choose = (value, event) => {
    const {years, chosen} = model.board
    let wanted = value === null ? null : [value]
    if (value !== null && chosen !== null && (event.shiftKey || event.ctrlKey || event.metaKey)) {
      wanted = chosen.includes(value) ? chosen.filter((year) => year !== value) : [...chosen, value].sort()
      if (!wanted.length || wanted.length === years.length) { wanted = null }
    }
    model.send_msg({kind: "years", years: wanted})
  }

  const build = () => {
    const {years, chosen, groups, link} = model.board
    const opened = new Set([...root.querySelectorAll("details[open]")].map((group) => group.dataset.group))
    const focused = root.getRootNode().activeElement?.dataset?.focus
    rows = new Map()
    const year = (value, text) => {
      const pressed = value === null ? chosen === null : chosen !== null && chosen.includes(value)
      const button = element("button", {type: "button", "aria-pressed": String(pressed), "data-focus": `year ${text}`,
        title: value === null ? "Edit all years at once" : "Edit this year; Shift-click for several years"}, text)
      button.addEventListener("click", (event) => choose(value, event))
      return button
    }
    const parts = []
    if (years.length) {
      const head = element("div", {class: "years", role: "group", "aria-label": "Years that an edit changes"},
        year(null, "All years"), ...years.map((value) => year(value, String(value))))
      if (link) {
        const copy = element("button", {type: "button", class: "copy"}, "Copy link")
        copy.addEventListener("click", async () => {
          copy.textContent = await copied(window.location.href) ? "Link copied" : "Copy it from the address bar"
          setTimeout(() => { copy.textContent = "Copy link" }, SAID_MS)
        })
        head.append(copy)
      }
      parts.push(head)
    }
    const columns = element("div", {class: "lever columns", "aria-hidden": true},
      ...["", "", "Draft", "Base", ""].map((text) => element("span", {}, text)))
    el.append(panel)
    const titled = groups.some((group) => group.title)  // the names of the columns are on the first title's line
    root.replaceChildren(...parts, ...(titled ? [columns] : []), ...groups.map((group) => {
      const lines = group.levers.map(row)
      if (group.folded) {
        const open = opened.has(group.title)
        return element("details", {"data-group": group.title, open}, element("summary", {}, group.title), ...lines)
      }
      return element("fieldset", {}, group.title ? element("legend", {}, group.title) : "", ...lines)
    }))
    write()
    unfold()
    if (focused) { root.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus() }
  }
  build()
  model.on("board", build)
  model.on(["values", "answered", "editable"], write)
  model.on("chosen", unfold)
}
