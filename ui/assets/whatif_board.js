// Editors of all levers in one component: a slider, a number and a way back for each. An edit is sent while a
// slider is dragged or a number typed (`live`), and once more when it is final. Every edit has a number; the
// figures' component hears of it at once (`planwise:asked`) and shows what it waits for.
const LIVE_MS = 50      // between two edits that are sent while a slider is dragged
const TYPING_MS = 350   // without a key, after which what is typed is tried
const SAID_MS = 2500    // that a button says what it did
let asked = 0           // of the page, so that a component drawn again goes on counting

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) { made.setAttribute(name, value === true ? "" : value) }
  }
  made.append(...children)
  return made
}

const shown = (value, decimals) => value === null ? "" : String(Number(value.toFixed(decimals)))

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
  el.append(root)
  let rows = new Map()
  let held = null       // the lever that a hand or a cursor is on: it is not written over
  let timer = 0
  let last = 0

  const ask = () => {
    clearTimeout(timer)
    asked += 1
    document.dispatchEvent(new CustomEvent("planwise:asked", {detail: {number: asked}}))
  }
  const send = (name, value, live) => {
    ask()
    last = performance.now()
    model.send_msg({kind: "edit", name, value, live, number: asked})
  }
  const soon = (name, read, wait) => {
    clearTimeout(timer)
    timer = setTimeout(() => { const value = read(); if (value !== null) { send(name, value, true) } }, wait)
  }

  const row = (lever) => {
    const {name, unit, decimals} = lever
    const id = `lever-${name}`
    const slider = lever.slider ? element("input", {
      type: "range", min: lever.low, max: lever.high, step: lever.step, disabled: Boolean(lever.locked),
      "aria-label": `${lever.aria}, slider`, "aria-describedby": `${id}-base`,
    }) : element("span")
    const number = element("input", {
      type: "number", id, step: lever.step, inputmode: "decimal", autocomplete: "off", disabled: Boolean(lever.locked),
      placeholder: lever.nothing, "aria-describedby": `${id}-base ${id}-problem`,
      "aria-label": `${lever.aria}${unit ? `, ${unit}` : ""}`,
    })
    const base = element("span", {class: "base", id: `${id}-base`})
    const back = element("button", {type: "button", class: "back", title: `Reset ${lever.aria}`, "aria-label": `Reset ${lever.aria}`}, "↺")
    const problem = element("p", {class: "problem", id: `${id}-problem`, role: "alert"})
    const track = element("span", {class: "track"}, slider)
    const line = element("div", {class: "lever", "data-lever": name, title: lever.hint},
      element("label", {for: id}, lever.label), track,
      element("span", {class: "number"}, number, element("span", {class: "unit", "aria-hidden": true}, unit)), base, back, problem)
    if (lever.slider) {
      const place = (value) => `${100 * (value - lever.low) / (lever.high - lever.low)}%`
      if (lever.recommended) {
        track.style.setProperty("--from", place(lever.recommended[0]))
        track.style.setProperty("--to", place(lever.recommended[1]))
      }
      slider.addEventListener("input", () => {
        held = name
        number.value = shown(slider.valueAsNumber, decimals)
        line.classList.add("changed")
        const wait = last + LIVE_MS - performance.now()
        if (wait <= 0) { send(name, slider.valueAsNumber, true) } else { soon(name, () => slider.valueAsNumber, wait) }
      })
      slider.addEventListener("change", () => { held = null; send(name, slider.valueAsNumber, false) })
    }
    const typed = () => number.value === "" ? null : number.valueAsNumber
    number.addEventListener("input", () => { held = name; soon(name, typed, TYPING_MS) })
    number.addEventListener("change", () => {
      held = null
      if (number.value === "" && !lever.nullable) { clearTimeout(timer); write() } else { send(name, typed(), false) }
    })
    number.addEventListener("blur", () => { if (held === name) { held = null; write() } })
    number.addEventListener("wheel", (event) => event.preventDefault(), {passive: false})  // scrolling is no edit
    back.addEventListener("click", () => {
      number.focus()
      ask()
      model.send_msg({kind: "reset", name, number: asked})
    })
    rows.set(name, {line, slider, number, base, back, problem, track, lever})
    return line
  }

  const write = () => {
    for (const [name, {line, slider, number, base, back, problem, track, lever}] of rows) {
      const state = model.values[name]
      if (!state) { continue }
      if (name !== held) {
        number.value = shown(state.value, lever.decimals)
        number.placeholder = state.varies ? "varies" : lever.nothing
        if (lever.slider) { slider.value = state.position }
      }
      if (lever.slider) {
        slider.setAttribute("aria-valuetext", state.varies ? "differs by year" : `${number.value}${lever.unit}`)
        const share = (state.base_position - lever.low) / (lever.high - lever.low)
        track.style.setProperty("--base", Math.min(1, Math.max(0, share)))
      }
      base.textContent = state.base_text
      base.title = `${lever.aria}: ${state.base_text} in the base scenario`
      line.classList.toggle("changed", state.changed)
      back.disabled = !state.changed || Boolean(lever.locked)
      problem.textContent = state.problem ?? ""
      number.setAttribute("aria-invalid", state.problem ? "true" : "false")
    }
  }

  const build = () => {
    const {years, year, groups} = model.board
    const opened = new Set([...root.querySelectorAll("details[open]")].map((group) => group.dataset.group))
    const focused = root.getRootNode().activeElement?.getAttribute?.("aria-label")
    rows = new Map()
    const choice = (value, text) => {
      const button = element("button", {type: "button", "aria-pressed": String(value === year)}, text)
      button.addEventListener("click", () => model.send_msg({kind: "year", year: value}))
      return button
    }
    const head = element("div", {class: "years", role: "group", "aria-label": "Years that an edit changes"},
      choice(null, "All years"), ...years.map((value) => choice(value, String(value))))
    const tools = element("div", {class: "tools"})
    const clear = element("button", {type: "button"}, "Reset all")
    clear.addEventListener("click", () => { ask(); model.send_msg({kind: "clear", number: asked}) })
    const copy = element("button", {type: "button"}, "Copy link")
    copy.addEventListener("click", async () => {
      copy.textContent = await copied(window.location.href) ? "Link copied" : "Copy it from the address bar"
      setTimeout(() => { copy.textContent = "Copy link" }, SAID_MS)
    })
    tools.append(clear, copy)
    const columns = element("div", {class: "lever columns", "aria-hidden": true},
      ...["", "", "What-if", "Base", ""].map((text) => element("span", {}, text)))
    root.replaceChildren(head, tools, columns, ...groups.map((group) => {
      const lines = group.levers.map(row)
      if (!group.folded) {
        return element("fieldset", {}, element("legend", {}, group.title), ...lines)
      }
      const open = opened.has(group.title) || group.open
      return element("details", {"data-group": group.title, open}, element("summary", {}, group.title), ...lines)
    }))
    write()
    if (focused) { root.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus() }
  }
  build()
  model.on("board", build)
  model.on("values", write)
}
