"""Ports of this machine: one that is taken is said before anything starts."""

import socket

from planwise.errors import Busy


def require_free(address: str, port: int, *, remedy: str | None = None) -> None:
    """Raise Busy when another process listens on the port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise Busy(
                f"Port {port} of {address} cannot be used: {error.strerror}.",
                remedy=remedy or "Stop what listens there, or choose another port.",
            ) from error
