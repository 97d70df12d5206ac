"""What the dashboard adds to the command line; nothing of it is imported before it runs."""

from cyclopts import App


def register(app: App) -> None:
    """Add `planwise serve` and `planwise user`."""
    app.command("ui.serve:serve", name="serve", help="Serve the dashboard on this machine.")
    app.command("ui.auth.commands:app", name="user", help="Who may sign in to the dashboard.")
