// Draw a Plotly figure. Plotly.js is loaded from this server, once, when the first chart is drawn.
let loading

function plotly() {
  if (window.Plotly) { return Promise.resolve(window.Plotly) }
  loading ??= new Promise((resolve, reject) => {
    window.PlotlyConfig = {MathJaxConfig: "local"}
    const script = document.createElement("script")
    script.src = new URL("plotly/plotly.min.js", document.baseURI).href
    script.addEventListener("load", () => resolve(window.Plotly))
    script.addEventListener("error", () => reject(new Error("Plotly.js cannot be loaded from this server")))
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
  let drawn = []  // figure, selection and width last drawn: a page that is shown again is not drawn again

  const draw = async () => {
    const library = await plotly()
    const now = [model.figure, model.selected, box.clientWidth]
    if (!alive || box.clientWidth === 0 || now.every((part, index) => part === drawn[index])) { return }
    drawn = now
    const {data, layout} = structuredClone(model.figure)
    if (Object.keys(layout).length === 0) { box.style.height = "300px"; return }  // there is no figure yet
    box.style.height = `${layout.height}px`
    box.setAttribute("aria-label", model.description)
    box.setAttribute("role", "img")  // set with the first figure: an image must have a name
    const selectable = layout.dragmode === "select" || layout.dragmode === "lasso"
    if (selectable) { mark(data); layout.selections = [] }
    drawing += 1  // drawing clears the selection, and Plotly reports that as if the user had done it
    try {
      await library.react(box, data, {...layout, template: model.template, width: box.clientWidth}, CONFIG)
    } finally { drawing -= 1 }
    if (selectable && !listening) {
      listening = true
      box.on("plotly_selected", (event) => { if (event?.points && !drawing) { choose(event.points) } })
      box.on("plotly_deselect", () => { if (!drawing) { choose(null) } })
    }
  }
  // Marks with `customdata` can be selected with a box drawn on the chart.
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
