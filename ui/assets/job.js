// The panel of a job: built once, then only the parts that changed are updated. Texts are never parsed as HTML.
const MARKS = {done: "✓", running: "●", failed: "✕", stopped: "■", waiting: "○", left: "–"}
const MARK_LABELS = {done: "done", running: "running", failed: "failed", stopped: "stopped", waiting: "waiting", left: "not reached"}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) { if (value != null) { made.setAttribute(name, value) } }
  made.append(...children)
  return made
}

function clock(seconds) {
  if (seconds < 60) { return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s` }
  const minutes = Math.floor(seconds / 60)
  const rest = String(Math.floor(seconds % 60)).padStart(2, "0")
  return minutes < 60 ? `${minutes}:${rest} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`
}

function write(node, text) {
  if (node.textContent !== text) { node.textContent = text }
}

export function render({model}) {
  const title = element("h3", {class: "title"})
  const state = element("span", {class: "chip"})
  const time = element("span", {class: "time"})
  const cancel = element("button", {type: "button", class: "act"}, "Cancel")
  const bar = element("div", {class: "fill"})
  const track = element("div", {class: "track", role: "progressbar", "aria-label": "Progress", "aria-valuemin": "0", "aria-valuemax": "100"}, bar)
  const message = element("p", {class: "message", "aria-live": "polite"})
  const question = element("div", {class: "question", role: "alertdialog", "aria-label": "Stop the job", hidden: ""})
  const error = element("div", {class: "notice bad", role: "alert", hidden: ""})
  const steps = element("ol", {class: "steps", "aria-label": "Steps"})
  const log = element("pre", {tabindex: "0", "aria-label": "Log of the job"})
  const logDetails = element("details", {class: "log"}, element("summary", {}, "Log"), log)
  const origin = element("p", {class: "where"})
  const head = element("div", {class: "head"}, title, state, time, cancel)
  const box = element("section", {class: "job"}, head, question, track, message, error, steps, logDetails, origin)
  let from = {seconds: 0, at: 0}, confirming = false

  const stop = () => { confirming = false; model.send_msg({cancel: true}); cancel.disabled = true; draw() }
  const keep = () => { confirming = false; draw(); cancel.focus() }
  cancel.addEventListener("click", () => {
    if (!model.job.question) { stop(); return }
    confirming = true
    draw()
    question.querySelector("button").focus()
  })
  question.addEventListener("keydown", (event) => { if (event.key === "Escape") { keep() } })

  const tick = () => {
    const job = model.job
    const passed = job.ended ? 0 : (performance.now() - from.at) / 1000
    write(time, clock(from.seconds + passed))
  }

  const drawQuestion = (job) => {
    const open = confirming && job.cancellable
    if (open === !question.hidden) { return }
    question.hidden = !open
    if (!open) { return }
    const confirm = element("button", {type: "button", class: "act strong"}, "Stop the job")
    const decline = element("button", {type: "button", class: "act"}, "Keep it running")
    confirm.addEventListener("click", stop)
    decline.addEventListener("click", keep)
    question.replaceChildren(element("span", {}, job.question), confirm, decline)
  }

  const drawSteps = (job) => {
    const text = JSON.stringify(job.steps)
    if (steps.dataset.drawn === text) { return }
    steps.dataset.drawn = text
    steps.hidden = !job.steps.length
    steps.replaceChildren(...job.steps.map((step) => element(
      "li", {class: step.state},
      element("span", {class: "mark", role: "img", "aria-label": MARK_LABELS[step.state] ?? step.state}, MARKS[step.state] ?? "·"),
      element("span", {class: "name"}, step.name),
      element("span", {class: "note"}, step.note),
    )))
  }

  const drawError = (job) => {
    error.hidden = !job.error
    if (job.error) {
      error.replaceChildren(element("p", {class: "lines"}, job.error.what),
                            ...(job.error.remedy ? [element("p", {class: "remedy lines"}, job.error.remedy)] : []))
    }
  }

  function draw() {
    const job = model.job
    if (!job.id) { return }
    from = {seconds: job.seconds, at: performance.now()}
    write(title, job.title)
    title.title = job.by
    write(state, job.text)
    state.className = `chip ${job.tone}`
    cancel.hidden = job.ended
    cancel.disabled = !job.cancellable
    write(cancel, job.text === "Stopping" ? "Stopping…" : "Cancel")
    cancel.setAttribute("aria-label", `Cancel ${job.title}`)
    const known = job.share != null
    track.classList.toggle("unknown", !known && !job.ended)
    track.hidden = job.ended && job.state !== "done" && !known
    track.dataset.state = job.state
    bar.style.width = known ? `${Math.round(100 * job.share)}%` : ""
    if (known) { track.setAttribute("aria-valuenow", Math.round(100 * job.share)) } else { track.removeAttribute("aria-valuenow") }
    write(message, job.error ? "" : job.message)
    message.hidden = !message.textContent
    drawQuestion(job)
    drawError(job)
    drawSteps(job)
    const lines = job.lines.join("\n")
    logDetails.hidden = !lines
    if (log.textContent !== lines) { log.textContent = lines; log.scrollTop = log.scrollHeight }
    origin.hidden = !job.how
    const text = `${job.how} ${job.by[0].toUpperCase()}${job.by.slice(1)}.`
    if (origin.dataset.drawn !== text + job.link) {
      origin.dataset.drawn = text + job.link
      origin.replaceChildren(text, ...(job.link
        ? [" ", element("a", {href: job.link, target: "_blank", rel: "noreferrer"}, "Open the flow run in Prefect")] : []))
    }
    tick()
  }

  const timer = setInterval(() => { if (model.job.id && !model.job.ended) { tick() } }, 200)
  model.on("job", draw)
  model.on("remove", () => clearInterval(timer))
  draw()
  return box
}
