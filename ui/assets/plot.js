// Draws a Plotly figure. Plotly.js comes from this server, once, and only when there is a chart to draw.
let loading

function plotly() {
  if (window.Plotly) { return Promise.resolve(window.Plotly) }
  loading ??= new Promise((resolve, reject) => {
    window.PlotlyConfig = {MathJaxConfig: "local"}
    const script = document.createElement("script")
    script.src = new URL("plotly/plotly.min.js", document.baseURI).href
    script.onload = () => resolve(window.Plotly)
    script.onerror = () => reject(new Error("Plotly.js cannot be loaded from this server"))
    document.head.append(script)
  })
  return loading
}

const CONFIG = {displaylogo: false, displayModeBar: false, responsive: false}

export function render({model, el}) {
  const box = document.createElement("div")
  box.className = "chart"
  el.append(box)
  let alive = true
  let drawn = []  // figure, choice and width that are on the page: a page that is shown again is not drawn again

  const draw = async () => {
    const library = await plotly()
    const now = [model.figure, model.selected, box.clientWidth]
    if (!alive || box.clientWidth === 0 || now.every((part, index) => part === drawn[index])) { return }
    drawn = now
    const {data, layout} = structuredClone(model.figure)
    if (Object.keys(layout).length === 0) { box.style.height = "300px"; return }  // nothing is known yet
    box.style.height = `${layout.height}px`
    box.setAttribute("aria-label", model.description)
    box.setAttribute("role", "img")  // an image must have a name, and there is none before the figure
    const chooses = layout.dragmode === "select" || layout.dragmode === "lasso"
    if (chooses) { mark(data); layout.selections = [] }
    drawing += 1  // Plotly tells of the choice that is taken away when it draws; nobody made that one
    try {
      await library.react(box, data, {...layout, template: model.template, width: box.clientWidth}, CONFIG)
    } finally { drawing -= 1 }
    if (chooses && !listening) {
      listening = true
      box.on("plotly_selected", (event) => { if (event?.points && !drawing) { choose(event.points) } })
      box.on("plotly_deselect", () => { if (!drawing) { choose(null) } })
    }
  }
  // Marks with `customdata` are chosen by a box drawn on the chart, and shown as chosen.
  let listening = false
  let drawing = 0
  const choose = (points) => {
    const ids = points && [...new Set(points.map((point) => point.customdata).filter((id) => id != null))]
    model.selected = ids && ids.length ? ids : null
  }
  const mark = (data) => {
    if (!model.selected) { return }
    const chosen = new Set(model.selected)
    for (const trace of data) {
      if (!trace.customdata) { continue }
      trace.selectedpoints = trace.customdata.flatMap((id, index) => chosen.has(id) ? [index] : [])
    }
  }
  const sizes = new ResizeObserver(() => draw())
  sizes.observe(box)
  model.on("figure", draw)
  model.on("selected", draw)
  model.on("remove", () => {
    alive = false
    sizes.disconnect()
    if (window.Plotly) { window.Plotly.purge(box) }
  })
}
