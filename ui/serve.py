"""`planwise serve`."""

import ipaddress

from planwise.console import progress, settings_for
from planwise.errors import InputError
from planwise.options import Home
from planwise.ports import require_free

DEFAULT_PORT = 5006


def serve(
    *, port: int = DEFAULT_PORT, address: str = "127.0.0.1", browser: bool = True, home: Home = None
) -> None:
    """Serve the dashboard on this machine, until Ctrl-C.

    Parameters
    ----------
    port
        Port to listen on.
    address
        Address to listen on; only addresses of this machine, as nobody signs in yet.
    browser
        Open the page in a browser.

    """
    settings = settings_for(home)
    require_loopback(address)
    require_free(
        address,
        port,
        remedy=f"Stop what listens there, or choose another: `planwise serve --port {port + 1}`.",
    )
    from ui.app import serve as run  # Panel takes a second, so only once there is something to serve

    progress().print(f"PlanWise at [bold]http://{address}:{port}[/] on {settings.root} (Ctrl-C stops it)")
    run(settings, address=address, port=port, browser=browser)


def require_loopback(address: str) -> None:
    """Raise InputError for an address that others can reach: pay data is behind no sign-in."""
    try:
        local = address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        local = False
    if not local:
        raise InputError(
            f"--address {address} is not an address of this machine only, and the dashboard has no sign-in.",
            remedy="Use 127.0.0.1, and reach it from elsewhere through an SSH tunnel.",
        )
