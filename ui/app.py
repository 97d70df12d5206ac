"""The application: what a server shares, and one page a session."""

from pathlib import Path

import panel as pn
import panel_material_ui as pmui

from planwise.settings import Settings
from ui.components.plot import LIBRARY
from ui.previewing import open_previews
from ui.session import Services, Session
from ui.shell.address import keep_in_address
from ui.shell.frame import MENU_WIDTH, Frame
from ui.store import Store
from ui.user import User

TITLE = "PlanWise"
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

pn.extension(notifications=True)


def make_page(services: Services) -> pmui.Page:
    """Return a session's page: follows the address, and shows what is new without being asked."""
    session = Session(services, current_user())
    if pn.state.location is not None:
        keep_in_address(session, pn.state.location)
    frame = Frame(session)
    return pmui.Page(
        title=TITLE,
        header=frame.header,
        sidebar=frame.sidebar,
        sidebar_width=MENU_WIDTH,
        sidebar_resizable=False,
        main=[frame.main],
        theme_config=THEME,
        favicon=ASSETS / "logo.svg",
        template=ASSETS / "page.html",
        busy_indicator="linear",
    )


def current_user() -> User:
    """Return who looks at the page; with sign-in off, whoever runs the server, as admin."""
    from planwise.governance.ledger import os_user

    return User(os_user(), "admin")


def serve(settings: Settings, *, address: str, port: int, browser: bool) -> None:
    """Serve the dashboard until it is stopped."""
    previews = open_previews(settings)
    previews.prewarm()
    services = Services(settings, Store(settings), previews)
    pn.serve(
        {"/": lambda: make_page(services)},
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
    previews.close()
