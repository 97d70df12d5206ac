"""The application: one page a session, over one store a server."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.settings import Settings
from ui.components import html
from ui.components.plot import LIBRARY
from ui.selection import Selection, keep_in_address
from ui.store import Store
from ui.views.overview import overview

TITLE = "PlanWise"
POLL_MILLISECONDS = 3000  # how soon a new publication or trial shows
ASSETS = Path(__file__).parent / "assets"
BAR = {"backgroundColor": "#1b3a57", "backgroundImage": "none", "color": "#ffffff"}
THEME = {
    "light": {
        "palette": {"primary": {"main": "#1f5f99"}, "background": {"default": "#ffffff", "paper": "#ffffff"}},
        "components": {"MuiAppBar": {"styleOverrides": {"root": BAR}}},
    },
    "dark": {
        "palette": {"primary": {"main": "#7fb2e5"}},
        "components": {"MuiAppBar": {"styleOverrides": {"root": BAR}}},
    },
}

pn.extension()


def make_page(store: Store) -> pmui.Page:
    """Return a session's page: follows the address, and shows what is new without being asked."""
    selection = Selection()
    if pn.state.location is not None:
        keep_in_address(selection, pn.state.location)
    view = overview(store, selection)
    status = html.pane(_status("watching for new results"), sizing_mode=None, width=190, align="center")
    refresh = pmui.IconButton(
        icon="refresh", label="Read the results again", description="Read the results again", color="light"
    )
    seen = [store.version()]

    def look(*event: Any) -> None:
        version = store.version()
        if event or version != seen[0]:
            seen[0] = version
            view.refresh()
            status.object = _status(f"updated {datetime.now(UTC):%H:%M:%S} UTC")

    refresh.on_click(look)
    pn.state.add_periodic_callback(look, period=POLL_MILLISECONDS)
    return pmui.Page(
        title=TITLE,
        header=[pn.layout.HSpacer(), status, refresh],
        main=[view.layout],
        theme_config=THEME,
        favicon=ASSETS / "logo.svg",
        template=ASSETS / "page.html",
        busy_indicator="linear",
    )


def serve(settings: Settings, *, address: str, port: int, browser: bool) -> None:
    """Serve the dashboard until it is stopped."""
    store = Store(settings)
    pn.serve(
        {"/": lambda: make_page(store)},
        title=TITLE,
        address=address,
        port=port,
        websocket_origin=[f"{name}:{port}" for name in (address, "localhost", "127.0.0.1")],
        show=browser,
        verbose=False,
        static_dirs=LIBRARY,
        check_unused_sessions=30_000,
        unused_session_lifetime=60_000,
    )


def _status(text: str) -> str:
    return f'<div class="status" role="status" style="color:#fff;text-align:right">{text}</div>'
