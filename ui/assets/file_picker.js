// Choose a file or drop it here; it goes to the server piece by piece, the next one when the last has arrived.
const PIECE = 1536 * 1024  // bytes; less than a web socket's message may have as text

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) { if (value != null) { made.setAttribute(name, value) } }
  made.append(...children)
  return made
}

const asText = (blob) => new Promise((resolve, reject) => {
  const reader = new FileReader()
  reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)))
  reader.addEventListener("error", () => reject(reader.error))
  reader.readAsDataURL(blob)
})

export function render({ model }) {
  const input = element("input", { type: "file", id: "file", accept: model.accept })
  const lead = element("span", { class: "lead" })
  const hint = element("span", { class: "hint" })
  const drop = element("label", { class: "drop", for: "file" }, input, lead, hint)
  const fill = element("div", { class: "fill" })
  const track = element("div", { class: "track", role: "progressbar", "aria-label": "Upload", "aria-valuemin": "0", "aria-valuemax": "100" }, fill)
  const text = element("span", { class: "text", role: "status" })
  const cancel = element("button", { type: "button", class: "act" }, "Cancel")
  const under = element("div", { class: "under", hidden: "" }, track, text, cancel)
  const box = element("div", { class: "picker" }, drop, under)
  let file = null, number = 0

  const received = () => (model.state.upload === number ? model.state.received : 0)

  const draw = () => {
    lead.textContent = model.lead
    hint.textContent = model.hint
    input.disabled = model.disabled || file !== null
    drop.classList.toggle("off", input.disabled)
    under.hidden = file === null
    if (file === null) { return }
    const share = file.size ? Math.floor((100 * received()) / file.size) : 0
    fill.style.width = `${share}%`
    track.setAttribute("aria-valuenow", String(share))
    text.textContent = `Uploading ${file.name}: ${share} %`
  }

  const stop = () => { file = null; input.value = ""; draw() }

  const send = async () => {
    const own = number, at = received()
    if (!file || at >= file.size) { return }
    try {
      const data = await asText(file.slice(at, at + PIECE))
      if (file && own === number) { model.send_msg({ piece: data, at, upload: own }) }
    } catch (error) {  // it was moved or changed meanwhile
      model.send_msg({ failed: String(error?.message ?? error).slice(0, 200), upload: own })
      stop()
    }
  }

  const begin = (chosen) => {
    if (!chosen || input.disabled) { return }
    file = chosen
    number += 1
    model.send_msg({ begin: chosen.name, size: chosen.size, upload: number })
    draw()
  }

  input.addEventListener("change", () => begin(input.files[0]))
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over") })
  }
  for (const name of ["dragleave", "drop"]) { drop.addEventListener(name, () => drop.classList.remove("over")) }
  drop.addEventListener("drop", (event) => { event.preventDefault(); begin(event.dataTransfer.files[0]) })
  cancel.addEventListener("click", () => { model.send_msg({ cancel: true, upload: number }); stop(); input.focus() })
  model.on("state", () => {
    if (model.state.upload !== number) { return }
    if (model.state.more) { draw(); send() } else { stop() }
  })
  model.on(["lead", "hint", "disabled"], draw)
  draw()
  return box
}
