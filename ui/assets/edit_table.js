// A table whose cells are texts, some of them with a field. A field that is changed is sent as an edit with a number,
// as the lever editor does: the component of the figures hears of it (`planwise:edit`) and waits for the answer.
const page = window.planwise ??= {edits: 0}  // all editors of the page count together

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false && value !== "") { made.setAttribute(name, value === true ? "" : value) }
  }
  made.append(...children)  // texts are never parsed as HTML
  return made
}

export function render({model, el}) {
  const root = element("div", {class: "box"})
  el.append(root)

  const send = (name, text) => {
    page.edits += 1
    document.dispatchEvent(new CustomEvent("planwise:edit", {detail: {number: page.edits}}))
    model.send_msg({kind: "edit", name, text, number: page.edits})
  }

  const fieldOf = ({name, text, aria, unit, changed, problem, disabled}) => {
    const input = element("input", {type: "text", inputmode: "decimal", autocomplete: "off", maxlength: 40,
      "aria-label": aria, "data-name": name, "aria-invalid": problem ? "true" : "false", title: problem,
      disabled: disabled || !model.editable, class: changed ? "changed" : ""})
    input.value = text
    input.addEventListener("change", () => send(name, input.value))
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { input.value = text }
    })
    return element("span", {class: "field"}, input, element("span", {class: "unit", "aria-hidden": true}, unit ?? ""))
  }

  const fill = (box, cell) => {
    if (cell.tint) { box.style.setProperty("--tint", `${cell.tint}%`); box.classList.add("tinted") }
    if (cell.quiet) { box.classList.add("quiet") }
    if (cell.title) { box.title = cell.title }
    cell.lines?.forEach((line, place) => box.append(element("span", {class: place ? "more" : "line"}, line)))
    cell.fields?.forEach((field) => box.append(fieldOf(field)))
    if (cell.bar) {
      const bar = element("span", {class: "bar", role: "img", "aria-label": cell.bar.aria, title: cell.bar.aria})
      for (const {kind, from, to} of cell.bar.parts) {
        bar.append(element("span", {class: kind, style: `left: ${from}%; width: ${Math.max(0, to - from)}%`}))
      }
      box.append(bar)
    }
    for (const field of cell.fields ?? []) {
      if (field.problem) { box.append(element("span", {class: "problem", role: "alert"}, field.problem)) }
    }
    return box
  }

  const draw = () => {
    const active = root.getRootNode().activeElement
    const held = root.contains(active) && active.dataset.name ? {name: active.dataset.name} : null
    const {label, head, rows, foot} = model.sheet
    const table = element("table", {"aria-label": label}, element("thead", {}, element("tr", {},
      ...head.map((cell) => fill(element("th", {scope: "col"}), cell)))))
    const body = element("tbody")
    for (const row of [...rows, ...(foot ? [foot] : [])]) {
      body.append(element("tr", {class: row === foot ? "foot" : ""}, ...row.map((cell, place) =>
        fill(element(place ? "td" : "th", {scope: place ? null : "row"}), cell))))
    }
    table.append(body)
    const scroll = [root.scrollLeft, root.scrollTop]
    root.replaceChildren(table)
    ;[root.scrollLeft, root.scrollTop] = scroll
    if (held) {
      const again = root.querySelector(`[data-name="${CSS.escape(held.name)}"]`)
      again?.focus({preventScroll: true})
    }
  }
  model.on(["sheet", "editable"], draw)
  draw()
}
