// A native slider and a native text field for one number; the native ones are what keyboards and readers know.
const EVERY_MILLISECONDS = 50  // while dragged
const GESTURE_MILLISECONDS = 800  // a pause ends it: one step of undo

let names = 0

export function render({model, el}) {
  const id = `range-${names++}`
  const box = document.createElement("div")
  box.className = "range"
  const slider = document.createElement("input")
  slider.type = "range"
  const field = document.createElement("input")
  field.type = "text"
  field.inputMode = "decimal"
  field.maxLength = 40
  field.setAttribute("aria-describedby", `${id}-problem`)
  const unit = Object.assign(document.createElement("span"), {className: "unit"})
  unit.setAttribute("aria-hidden", "true")
  const track = Object.assign(document.createElement("div"), {className: "track"})
  const scale = Object.assign(document.createElement("div"), {className: "scale"})
  const ends = ["low", "high"].map((name) => Object.assign(document.createElement("span"), {className: name}))
  scale.append(...ends)
  const problem = Object.assign(document.createElement("p"), {className: "problem", id: `${id}-problem`})
  problem.setAttribute("role", "alert")
  const rail = Object.assign(document.createElement("div"), {className: "rail"})
  rail.append(track, slider)
  const entry = Object.assign(document.createElement("div"), {className: "entry"})
  entry.append(field, unit)
  const top = Object.assign(document.createElement("div"), {className: "top"})
  top.append(rail, entry)
  const advice = Object.assign(document.createElement("p"), {className: "advice"})
  box.append(top, scale, advice, problem)
  el.append(box)

  let gesture = 0
  let idle = 0
  let waiting = null
  let sent = 0

  function show() {
    const [low, high] = model.bounds
    slider.min = low
    slider.max = high
    slider.step = model.step
    slider.disabled = field.disabled = model.locked
    slider.setAttribute("aria-label", `${model.label}, slider`)
    slider.setAttribute("aria-valuetext", model.text === null ? "varies by year" : `${model.text} ${model.unit}`)
    field.setAttribute("aria-label", model.label)
    unit.textContent = model.unit
    const share = (value) => `${Math.max(0, Math.min(100, ((value - low) / (high - low)) * 100))}%`
    track.style.setProperty("--from", share(model.recommended[0]))
    track.style.setProperty("--to", share(model.recommended[1]))
    ends[0].textContent = model.bound_texts[0]
    ends[1].textContent = model.bound_texts[1]
    advice.textContent = model.recommended_text
    if (Date.now() - idle > GESTURE_MILLISECONDS || document.activeElement === null) { slider.value = model.value }
    reset()
  }
  // One answer of the server is several changed properties: shown once, when all of them are there.
  let due = false
  function soon() {
    if (due) { return }
    due = true
    queueMicrotask(() => { due = false; show() })
  }
  function reset() {
    if (el.getRootNode().activeElement === field && model.problem === "" && field.dataset.touched) { return }
    const text = model.problem ? field.value : model.text ?? ""
    if (field.value !== text) { field.value = text }  // a written value would lose the caret
    field.placeholder = model.text === null ? "varies" : ""
  }
  function refuse() {
    problem.textContent = model.problem ? `${model.problem} ${model.remedy}` : ""
    field.setAttribute("aria-invalid", String(Boolean(model.problem)))
  }
  function slide(last) {
    const now = Date.now()
    if (now - idle > GESTURE_MILLISECONDS) { gesture = now }
    idle = now
    const say = () => {
      waiting = null
      sent = Date.now()
      model.send_msg({action: "slide", value: Number(slider.value), gesture})
    }
    field.value = String(Number(slider.value))
    delete field.dataset.touched
    if (last || now - sent > EVERY_MILLISECONDS) { clearTimeout(waiting); say() }
    else { waiting ??= setTimeout(say, EVERY_MILLISECONDS) }
  }
  function enter() {
    if (!field.dataset.touched) { return }
    delete field.dataset.touched
    model.send_msg({action: "enter", text: field.value})
  }
  slider.addEventListener("input", () => slide(false))
  slider.addEventListener("change", () => slide(true))
  field.addEventListener("input", () => { field.dataset.touched = "yes" })
  field.addEventListener("change", enter)
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { enter() }
    if (event.key === "Escape") { delete field.dataset.touched; field.value = model.text ?? "" }
  })
  for (const name of ["label", "value", "text", "unit", "bounds", "recommended", "bound_texts", "recommended_text", "step", "locked"]) {
    model.on(name, soon)
  }
  model.on("problem", () => { refuse(); if (!model.problem) { reset() } })
  model.on("remedy", refuse)
  model.on("remove", () => clearTimeout(waiting))
  show()
  refuse()
}
