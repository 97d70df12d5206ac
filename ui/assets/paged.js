// A table with pages. Texts are never parsed as HTML.
const ARROWS = {true: "▼", false: "▲"}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) { made.setAttribute(name, "") }
    else if (value !== false && value != null) { made.setAttribute(name, value) }
  }
  made.append(...children)
  return made
}

function button(text, attributes, action) {
  const made = element("button", {type: "button", ...attributes}, text)
  made.addEventListener("click", action)
  return made
}

const LONG = 32  // characters of a cell, from which on it may break

export function render({model, el}) {
  const box = element("div", {class: "paged"})
  el.append(box)

  const heading = (column, index) => {
    const [name, descending] = model.sort
    const sorted = name === column.name
    const side = column.is_text || index === 0 ? "text" : null
    const sort = button(
      `${column.heading}${sorted ? ` ${ARROWS[descending]}` : ""}`,
      {class: "sort", "data-focus": `sort-${column.name}`},
      () => { model.sort = [column.name, sorted ? !descending : !column.is_text] },
    )
    const state = sorted ? (descending ? "descending" : "ascending") : "none"
    return element("th", {scope: "col", class: side, "aria-sort": state}, sort)
  }

  const tick = (keys, chosen, label, id) => {
    const made = element("input", {type: "checkbox", "aria-label": label, "data-focus": id})
    made.checked = chosen
    made.addEventListener("change", () => model.send_msg({keys, chosen: made.checked}))
    return made
  }

  const line = (row) => {
    const cells = row.cells.map((text, index) => {
      const {is_text, whole} = model.head[index] ?? {}
      const side = !is_text ? null : text.length > LONG ? "text long" : whole ? "text whole" : "text"
      if (index > 0) { return element("td", {class: side}, text) }
      const mark = row.mark ? [" ", element("span", {class: "mark"}, row.mark)] : []
      const name = model.opens
        ? button(text, {class: "open", "data-focus": `open-${row.key}`, "aria-label": `${model.opens} ${text}`,
                        "aria-pressed": String(row.key === model.opened)},
                 () => { model.opened = row.key })
        : text
      return element("th", {scope: "row", class: side}, name, ...mark)
    })
    const choice = model.choosable
      ? [element("td", {class: "tick"}, tick([row.key], row.chosen, `Choose ${row.cells[0]}`, `tick-${row.key}`))]
      : []
    const tone = [row.tone, row.key === model.opened ? "chosen" : ""].filter(Boolean).join(" ")
    return element("tr", {class: tone || null}, ...choice, ...cells)
  }

  const pager = () => {
    const at = model.page, last = model.pages - 1
    const go = (text, label, page, off) => button(
      text, {"aria-label": label, disabled: off, "data-focus": `page-${label}`}, () => { model.page = page })
    const part = model.pages > 1
      ? [go("«", "First page", 0, at === 0), go("‹", "Previous page", at - 1, at === 0),
         element("span", {}, `${(at + 1).toLocaleString("en")} of ${model.pages.toLocaleString("en")}`),
         go("›", "Next page", at + 1, at >= last), go("»", "Last page", last, at >= last)]
      : []
    return element("div", {class: "pager"}, element("span", {class: "total"}, model.total), ...part)
  }

  const draw = () => {
    const focus = el.getRootNode().activeElement?.dataset?.focus
    const scrolled = box.querySelector(".scroll")?.scrollLeft ?? 0
    const keys = model.rows.map((row) => row.key)
    const all = model.choosable
      ? [element("th", {scope: "col", class: "tick"},
                 tick(keys, keys.length > 0 && model.rows.every((row) => row.chosen),
                      "Choose all rows of this page", "tick-all"))]
      : []
    const table = element(
      "table", {},
      element("caption", {}, model.caption),
      element("thead", {}, element("tr", {}, ...all, ...model.head.map(heading))),
      element("tbody", {}, ...model.rows.map(line)),
    )
    const scroll = element("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": model.caption}, table)
    box.replaceChildren(scroll, pager())
    scroll.scrollLeft = scrolled
    if (focus) { box.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus() }
  }

  let waiting = false
  const drawOnce = () => {  // several values change at once; draw only once
    if (waiting) { return }
    waiting = true
    queueMicrotask(() => { waiting = false; draw() })
  }
  for (const name of ["caption", "head", "rows", "sort", "page", "pages", "total", "opened"]) { model.on(name, drawOnce) }
  draw()
}
