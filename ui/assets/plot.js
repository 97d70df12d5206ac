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
  box.setAttribute("role", "img")
  el.append(box)
  let alive = true

  const draw = async () => {
    const library = await plotly()
    if (!alive || box.clientWidth === 0) { return }
    const {data, layout} = structuredClone(model.figure)
    box.style.height = `${layout.height}px`
    box.setAttribute("aria-label", model.description)
    await library.react(box, data, {...layout, width: box.clientWidth}, CONFIG)
  }
  const sizes = new ResizeObserver(() => draw())
  sizes.observe(box)
  model.on("figure", draw)
  model.on("remove", () => {
    alive = false
    sizes.disconnect()
    if (window.Plotly) { window.Plotly.purge(box) }
  })
}
