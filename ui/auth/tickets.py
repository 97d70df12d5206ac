"""What a signed cookie says about who signed in."""

import json
import secrets
from dataclasses import asdict, dataclass

from ui.values.user import ROLES

ID_BYTES = 24


@dataclass(frozen=True)
class Ticket:
    """One sign-in: of whom, when (seconds since 1970), by what.

    `role` is the provider's word; empty for `basic`, where the file of users says it each time.
    """

    id: str
    name: str
    role: str
    issued_at: float
    method: str

    def to_text(self) -> str:
        """Return what goes into the cookie, which is signed elsewhere."""
        return json.dumps(asdict(self))


def new_ticket(name: str, *, role: str, issued_at: float, method: str) -> Ticket:
    """Return a ticket with a random id."""
    return Ticket(secrets.token_urlsafe(ID_BYTES), name, role, issued_at, method)


def read_ticket(text: str) -> Ticket | None:
    """Return the ticket of a cookie whose signature holds; None for one of another version."""
    try:
        ticket = Ticket(**json.loads(text))
    except (ValueError, TypeError):
        return None
    return ticket if ticket.role in ("", *ROLES) else None
