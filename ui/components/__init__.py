"""The parts pages are made of: pure functions from values to HTML, Plotly figures and cards."""
