// The figures of the plan. The component hears of an edit at once and shows that it waits, before the server knows;
// the number of the edit that the figures answer is an attribute.
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
    root.innerHTML = model.shown.html   // the server's own, every text in it escaped
    root.dataset.answer = model.shown.number
    root.dataset.key = model.shown.key
    edit = Math.max(edit, model.shown.number ?? 0)
    wait()
  }
  const heard = (event) => { edit = event.detail.number; wait() }
  document.addEventListener("planwise:edit", heard)
  model.on("shown", show)
  model.on("remove", () => document.removeEventListener("planwise:edit", heard))
  show()
}
