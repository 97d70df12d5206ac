"""What the dashboard adds to the command line; nothing of it is imported before it runs."""

from cyclopts import App


def register(app: App) -> None:
    """Add `planwise serve`."""
    app.command("ui.serve:serve", name="serve", help="Serve the dashboard on this machine.")
