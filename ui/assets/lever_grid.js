// A grid of levers by year (ARIA grid): one cell has the focus, arrow keys move it, typing edits in place.
const FIRST_PIXELS = 130
const COLUMN_PIXELS = 92  // wide enough for a badge beside a value; the longest ones wrap
const RISKY = new Set(["LOW", "MEDIUM", "HIGH", "CRITICAL"])

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== "" && value !== null && value !== undefined) { element.setAttribute(name, value) }
  }
  element.append(...children)  // texts are never parsed as HTML
  return element
}

const hidden = (text) => make("span", {class: "hidden"}, text)

function description(row, cell) {
  const when = cell.year === null ? "all years" : String(cell.year)
  const was = cell.was ? `, edited, was ${cell.was}` : ""
  const lock = row.lock ? `, ${row.lock}` : ""
  const risk = cell.risk ? `, risk ${cell.risk}` : ""
  return `${row.name}, ${when}: ${cell.text}${was}, tier ${cell.tier}${risk}${lock}`
}

function cellOf(row, cell, place) {
  // Hidden text gives screen readers the row and the year, which the position shows.
  const when = cell.year === null ? "all years" : String(cell.year)
  const value = make("span", {class: "value"}, cell.text)
  const badge = RISKY.has(cell.risk)
    ? [hidden("risk "), make("span", {class: `risk ${cell.risk.toLowerCase()}`}, cell.risk), hidden(", ")] : []
  const note = cell.was
    ? [hidden(", edited, "), make("span", {class: "note was"}, `was ${cell.was}`), hidden(`, tier ${cell.tier}`)]
    : cell.tier === "default" ? [hidden(", tier default")]
    : [hidden(", tier "), make("span", {class: `note tier ${cell.tier}`}, cell.tier)]
  const box = make("td", {
    role: "gridcell", tabindex: "-1", class: `${cell.was ? "changed " : ""}${cell.year === null ? "every" : ""}`,
    title: description(row, cell), "aria-readonly": row.lock ? "true" : "",
  }, hidden(`${row.name}, ${when}: `), make("span", {class: "line"}, ...badge, value), ...note,
  ...(row.lock ? [hidden(`, ${row.lock}`)] : []))
  box.dataset.row = place[0]
  box.dataset.column = place[1]
  return box
}

const cells = (row) => [row.all, ...row.cells]

export function render({model, el}) {
  const box = make("div", {class: "grid-box"})
  const message = make("div", {class: "message", role: "status", "aria-live": "polite"})
  el.append(box, message)
  let rows = []
  let at = {row: 0, column: 0}
  let editing = null
  let entered = null

  const find = (row, column) => box.querySelector(`td[data-row="${row}"][data-column="${column}"]`)
  const last = (row) => rows.length ? cells(rows[row]).length - 1 : 0
  const hasFocus = () => box.contains(el.getRootNode().activeElement)
  const send = (action) => model.send_msg(action)

  function draw() {
    if (editing) { return }  // keep what is being typed; `finish` draws again
    const focus = hasFocus()
    const scroll = box.scrollLeft
    rows = model.sheet.groups.flatMap((group) => group.rows)
    const head = make("tr", {role: "row"}, make("th", {scope: "col", role: "columnheader"}, model.heading),
      ...["All years", ...model.sheet.years].map((text) => make("th", {scope: "col", role: "columnheader"}, String(text))))
    const bodies = []
    let index = 0
    for (const group of model.sheet.groups) {
      const width = String(model.sheet.years.length + 2)
      const body = make("tbody", {role: "rowgroup"}, make("tr", {role: "row", class: "group"},
        make("th", {role: "rowheader", scope: "rowgroup", colspan: width}, group.title)))
      for (const row of group.rows) {
        const line = make("tr", {role: "row"}, make("th", {role: "rowheader", scope: "row", title: row.lock || row.name},
          row.lock ? make("span", {class: "lock", role: "img", "aria-label": row.lock}) : "", row.label))
        line.dataset.lever = row.lever
        cells(row).forEach((cell, column) => line.append(cellOf(row, cell, [index, column])))
        if (!row.cells.length) { line.append(make("td", {class: "none", colspan: String(model.sheet.years.length)})) }
        if (row.lock) { line.classList.add("locked") }
        body.append(line)
        index += 1
      }
      bodies.push(body)
    }
    const width = FIRST_PIXELS + COLUMN_PIXELS * (model.sheet.years.length + 1)
    box.replaceChildren(make("table", {style: `min-width: ${width}px`, role: "grid", "aria-label": model.label, "aria-readonly": model.editable ? "false" : "true"},
      make("thead", {role: "rowgroup"}, head), ...bodies))
    box.scrollLeft = scroll
    at.row = Math.min(at.row, Math.max(rows.length - 1, 0))
    at.column = Math.min(at.column, last(at.row))
    mark()
    placeFocus(focus)
  }

  function mark() {
    const {lever, years} = model.chosen
    for (const cell of box.querySelectorAll("td[data-row]")) {
      const row = rows[cell.dataset.row]
      const year = cells(row)[cell.dataset.column].year
      const on = row.lever === lever && (years === null ? year === null : years.includes(year))
      cell.setAttribute("aria-selected", String(on))
    }
    for (const line of box.querySelectorAll("tr[data-lever]")) {
      line.classList.toggle("chosen", line.dataset.lever === lever)
    }
  }

  function placeFocus(focus) {
    for (const cell of box.querySelectorAll('td[tabindex="0"]')) { cell.tabIndex = -1 }
    const cell = find(at.row, at.column)
    if (!cell) { return }
    cell.tabIndex = 0
    if (focus) { cell.focus({preventScroll: false}) }
  }

  function go(row, column, {extend = false, focus = true} = {}) {
    const there = Math.max(0, Math.min(row, rows.length - 1))
    at = {row: there, column: Math.max(0, Math.min(column, last(there)))}
    placeFocus(focus)
    choose(extend)
  }

  function choose(extend) {
    const year = at.column === 0 ? null : model.sheet.years[at.column - 1]
    const {lever, years} = model.chosen
    const mine = rows[at.row].lever
    let selected = year === null ? null : [year]
    if (extend && year !== null && lever === mine && years !== null) {
      const [low, high] = [Math.min(year, ...years), Math.max(year, ...years)]
      selected = model.sheet.years.filter((one) => low <= one && one <= high)
    }
    if (mine !== lever || JSON.stringify(selected) !== JSON.stringify(years)) {
      model.chosen = {lever: mine, years: selected}
      mark()
    }
  }

  function edit(start) {
    const row = rows[at.row]
    const cell = find(at.row, at.column)
    if (!model.editable || row.lock) {
      message.textContent = row.lock || "Your role can view scenarios but not edit them."
      message.className = "message shown"
      return
    }
    const known = cells(row)[at.column]
    const input = make("input", {type: "text", inputmode: "decimal", maxlength: "40", "aria-label": description(row, known)})
    input.value = start ?? known.typed
    editing = {input, cell, lever: row.lever, year: known.year}
    cell.replaceChildren(input)
    cell.classList.add("editing")
    input.focus()
    if (start === undefined) { input.select() }
    input.addEventListener("keydown", (event) => {
      event.stopPropagation()
      if (event.key === "Enter" || event.key === "Tab") {
        event.preventDefault()
        const step = event.shiftKey ? -1 : 1
        finish(true)
        if (event.key === "Enter") { go(at.row + step, at.column) } else { go(at.row, at.column + step) }
      } else if (event.key === "Escape") {
        event.preventDefault()
        finish(false)
        placeFocus(true)
      }
    })
    input.addEventListener("blur", () => { if (editing && editing.input === input) { finish(true) } })
  }

  function finish(keep) {
    const {input, lever, year} = editing
    const known = cells(rows[at.row])[at.column].typed
    editing = null
    if (keep && input.value.trim() !== known) {
      entered = {lever, year, text: input.value}
      send({action: "enter", lever, year, texts: [[input.value]]})
    } else if (!keep) {
      send({action: "forget"})
    }
    draw()
  }

  const MOVES = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}
  box.addEventListener("keydown", (event) => {
    if (editing || !event.target.closest("td[data-row]")) { return }
    const row = rows[at.row]
    const year = cells(row)[at.column].year
    if (MOVES[event.key]) {
      const [down, right] = MOVES[event.key]
      event.preventDefault()
      if (event.ctrlKey && right) {
        go(at.row, right < 0 ? 0 : model.sheet.years.length)
      } else {
        go(at.row + down, at.column + right, {extend: event.shiftKey})
      }
    } else if (event.key === "Home" || event.key === "End") {
      event.preventDefault()
      go(event.ctrlKey ? (event.key === "Home" ? 0 : rows.length - 1) : at.row, event.key === "Home" ? 0 : model.sheet.years.length)
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault()
      send({action: event.shiftKey ? "redo" : "undo"})
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "y") {
      event.preventDefault()
      send({action: "redo"})
    } else if (event.key === "Enter" || event.key === "F2") {
      event.preventDefault()
      edit()
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault()
      if (model.editable) { send({action: "unset", lever: row.lever, year}) }
    } else if (/^[-0-9.,]$/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault()
      edit(event.key)
    }
  })
  box.addEventListener("mousedown", (event) => {
    const cell = event.target.closest("td")
    const line = event.target.closest("tr[data-lever]")
    if (cell && cell.dataset.row && !(editing && editing.cell === cell)) {
      if (event.shiftKey) { event.preventDefault() }
      go(Number(cell.dataset.row), Number(cell.dataset.column), {extend: event.shiftKey})
    } else if (line && !cell) {
      event.preventDefault()
      go(rows.findIndex((row) => row.lever === line.dataset.lever), 0)
    }
  })
  box.addEventListener("dblclick", (event) => { if (event.target.closest("td") && !editing) { edit() } })
  box.addEventListener("copy", (event) => {
    if (editing) { return }
    event.clipboardData.setData("text/plain", cells(rows[at.row])[at.column].text)
    event.preventDefault()
  })
  box.addEventListener("paste", (event) => {
    if (editing || !model.editable) { return }
    event.preventDefault()
    const texts = event.clipboardData.getData("text/plain").replace(/\r?\n$/, "").split(/\r?\n/).map((line) => line.split("\t"))
    send({action: "enter", lever: rows[at.row].lever, year: cells(rows[at.row])[at.column].year, texts})
  })

  function showProblem() {
    const {lever, year, what, remedy} = model.refused
    for (const cell of box.querySelectorAll("td.refused")) { cell.classList.remove("refused") }
    message.textContent = what ? `${what} ${remedy || ""}` : ""
    message.className = what ? "message shown bad" : "message"
    const row = rows.findIndex((one) => one.lever === lever)
    if (what && row >= 0) {
      const column = year === null ? 0 : model.sheet.years.indexOf(year) + 1
      const cell = find(row, column)
      if (cell) { cell.classList.add("refused") }
      if (entered && entered.lever === lever && entered.year === year && !editing && hasFocus()) {
        go(row, column)  // edit what was typed, so that it can be corrected
        edit(entered.text)
      }
    }
    entered = null
  }

  function follow() {
    const row = rows.findIndex((one) => one.lever === model.chosen.lever)
    if (row >= 0 && rows[at.row].lever !== model.chosen.lever) {
      at = {row, column: 0}
      placeFocus(false)
    }
    mark()
  }

  model.on("sheet", draw)
  model.on("editable", draw)
  model.on("chosen", follow)
  model.on("refused", showProblem)
  draw()
  follow()
}
