"""The one place that decides who is signed in."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from planwise.governance.ledger import os_user
from planwise.settings import Settings, SignInSettings
from ui.auth.configured import cookie_secret, users_of
from ui.auth.limits import Limits
from ui.auth.presence import Presence
from ui.auth.private import folder
from ui.auth.tickets import Ticket, new_ticket, read_ticket
from ui.auth.users import Users
from ui.values.user import User

IDENTITY = "planwise_identity"  # what an admitted request carries
SECONDS_OF_DAY = 86_400


@dataclass(frozen=True)
class Identity:
    """A user, and the sign-in that says so."""

    user: User
    ticket: Ticket


class Gate:
    """Issues, checks and ends sign-ins of `basic` or `oidc`; pure but for the clock and its files."""

    def __init__(
        self, settings: Settings, sign_in: SignInSettings, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.sign_in = sign_in
        self.users: Users = users_of(settings, sign_in)
        self.limits = Limits(clock)
        self.secret = cookie_secret(settings, sign_in)
        self._clock = clock
        self.lasts_seconds = sign_in.session_hours * 3600
        self.presence = Presence(
            folder(settings.root) / "signed_out.json",
            lasts_seconds=self.lasts_seconds,
            idle_seconds=sign_in.idle_minutes * 60,
            clock=clock,
        )

    @property
    def lasts_days(self) -> float:
        """How long a cookie is good for."""
        return self.lasts_seconds / SECONDS_OF_DAY

    def issue(self, name: str, role: str = "") -> Ticket:
        """Return a new sign-in; `role` is empty where the file of users says it."""
        ticket = new_ticket(name, role=role, issued_at=self._clock(), method=self.sign_in.auth)
        self.presence.touch(ticket.id)
        return ticket

    def identify(self, text: str) -> Identity | None:
        """Return who holds a cookie whose signature holds, or None."""
        ticket = read_ticket(text)
        if ticket is None or self.why_over(ticket):
            return None
        role = self._role(ticket)
        return Identity(User(ticket.name, role, signed_in=True), ticket) if role else None

    def why_over(self, ticket: Ticket) -> str:
        """Return why a sign-in is over, as a key for `words`; empty while it is good."""
        if self.presence.ended(ticket.id):
            return "ended"
        if ticket.method != self.sign_in.auth:
            return "changed"
        if self._clock() - ticket.issued_at > self.lasts_seconds:
            return "expired"
        if self.presence.is_idle(ticket.id):
            return "idle"
        return "" if self._role(ticket) else "changed"

    def still(self, identity: Identity) -> str:
        """Return why an open session must end, as a key for `words`; empty while it may go on."""
        over = self.why_over(identity.ticket)
        return over or ("" if self._role(identity.ticket) == identity.user.role else "role")

    def close_if_over(self, identity: Identity) -> str:
        """End a sign-in that is over for good; return why, or nothing while it may go on."""
        why = self.still(identity)
        if why and not self.presence.ended(identity.ticket.id):
            self.presence.end(identity.ticket.id)
        return why

    def words(self, why: str) -> str:
        """Return a reason in words for who is signed out; any other key is plainly "You are signed out"."""
        return {
            "expired": f"You signed in more than {self.sign_in.session_hours:g} hours ago.",
            "idle": f"Nothing was done for {self.sign_in.idle_minutes:g} minutes.",
            "changed": "Your account or the way to sign in was changed.",
            "role": "Your role was changed.",
        }.get(why, "You are signed out.")

    def _role(self, ticket: Ticket) -> str:
        if ticket.method == "oidc":
            return ticket.role
        known = self.users.get(ticket.name)
        return known.role if known and known.changed_at.timestamp() <= ticket.issued_at else ""


def user_of(request: Any, gate: Gate | None) -> tuple[User, Identity | None]:
    """Return who made a request; without a gate, the user of the system, who may do everything.

    Raises PermissionError for a request that did not come through the gate: nobody gets a page by accident.
    """
    if gate is None:
        return User(os_user(), "admin"), None
    identity = getattr(request, IDENTITY, None)
    if not isinstance(identity, Identity):
        raise PermissionError("A session without a sign-in.")
    return identity.user, identity
