// The figures of the plan. They are shown as outdated as soon as the editor sends an edit, before the server
// answers; the attribute `data-answer` has the number of the last edit that the figures include.
export function render({model, el}) {
  const root = document.createElement("div")
  root.className = "live"
  el.append(root)
  let edit = model.shown.number ?? 0

  const wait = () => {
    const waiting = edit > (model.shown.number ?? 0)
    root.classList.toggle("waiting", waiting)
    root.setAttribute("aria-busy", String(waiting))
  }
  const show = () => {
    root.innerHTML = model.shown.html   // made by the server, which escapes every text in it
    root.dataset.answer = model.shown.number
    root.dataset.key = model.shown.key
    edit = Math.max(edit, model.shown.number ?? 0)
    wait()
  }
  const onEdit = (event) => { edit = event.detail.number; wait() }
  document.addEventListener("planwise:edit", onEdit)
  model.on("shown", show)
  model.on("remove", () => document.removeEventListener("planwise:edit", onEdit))
  show()
}
