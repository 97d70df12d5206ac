// HTML whose links to other pages switch the page instead of loading the application again.
export function render({ model }) {
  const box = document.createElement("div");
  const draw = () => { box.innerHTML = model.html; };
  model.on("html", draw);
  draw();
  box.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='?']");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    model.send_msg({ query: link.getAttribute("href") });
  });
  return box;
}
