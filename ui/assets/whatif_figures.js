// The figures of a what-if. It hears of an edit at once and says that it waits, before the server knows; the
// number of the edit that the figures answer is an attribute, so that anybody can tell what they belong to.
export function render({model, el}) {
  const root = document.createElement("div")
  root.className = "live"
  el.append(root)
  let asked = model.shown.number ?? 0

  const wait = () => {
    const waiting = asked > (model.shown.number ?? 0)
    root.classList.toggle("waiting", waiting)
    root.setAttribute("aria-busy", String(waiting))
  }
  const show = () => {
    root.innerHTML = model.shown.html   // the server's own, every text in it escaped
    root.dataset.answer = model.shown.number
    root.dataset.key = model.shown.key
    asked = Math.max(asked, model.shown.number ?? 0)
    wait()
  }
  const heard = (event) => { asked = event.detail.number; wait() }
  document.addEventListener("planwise:asked", heard)
  model.on("shown", show)
  model.on("remove", () => document.removeEventListener("planwise:asked", heard))
  show()
}
