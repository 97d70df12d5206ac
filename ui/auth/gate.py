"""Decide who may enter: sessions, tickets, rate limits."""

import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from planwise.governance.ledger import os_user
from planwise.settings import Settings, SignInSettings
from ui.auth.configuration import cookie_secret, users_of
from ui.auth.users import Users, folder, read_private, write_private
from ui.values.user import ROLES, User

WAIT_MAX_SECONDS = 900.0
FORGET_SECONDS = 3600.0
KEYS_MAX = 10_000  # the longest unused go first, so memory is bounded whatever is tried
FREE_OF_PAIR, FREE_OF_ADDRESS, FREE_OF_NAME = 5, 30, 100  # failures before one waits


@dataclass(frozen=True)
class Failures:
    """How often in a row, and when last (seconds of the clock)."""

    count: int
    last: float


class SignInLimits:
    """Failures by name and address together, by address, and by name (many addresses, one name)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, Failures] = OrderedDict()

    def wait_seconds(self, name: str, address: str) -> float:
        """Return how long until the next try is looked at; 0 when it may be made now."""
        return max(self._wait(key, free) for key, free in _keys(name, address))

    def failed(self, name: str, address: str) -> None:
        """Count a failure."""
        now = self._clock()
        for key, _ in _keys(name, address):
            before = self._recent(key)
            self._failures[key] = Failures(before.count + 1, now)
            self._failures.move_to_end(key)
        while len(self._failures) > KEYS_MAX:
            self._failures.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of this name from this address."""
        self._failures.pop(_keys(name, address)[0][0], None)

    def _wait(self, key: str, free: int) -> float:
        failures = self._recent(key)
        if failures.count < free:
            return 0.0
        # The exponent is capped before it is raised: a float power overflows at 1024.
        wait = min(2.0 ** min(failures.count - free, 16), WAIT_MAX_SECONDS)
        return max(0.0, failures.last + wait - self._clock())

    def _recent(self, key: str) -> Failures:
        found = self._failures.get(key)
        if found is None or self._clock() - found.last > FORGET_SECONDS:
            return Failures(0, 0.0)
        return found


def _keys(name: str, address: str) -> tuple[tuple[str, int], ...]:
    return (
        (f"pair {address} {name}", FREE_OF_PAIR),
        (f"address {address}", FREE_OF_ADDRESS),
        (f"name {name}", FREE_OF_NAME),
    )


class Presence:
    """Who signed out stays so after a restart; what is older than a sign-in lasts is forgotten."""

    def __init__(
        self, file: Path, *, lasts_seconds: float, idle_seconds: float, clock: Callable[[], float]
    ) -> None:
        self._file = file
        self._lasts = lasts_seconds
        self._idle = idle_seconds
        self._clock = clock
        self._used: dict[str, float] = {}
        self._ended: dict[str, float] = self._read()

    def touch(self, sign_in: str) -> None:
        """Note that a person did something."""
        self._used[sign_in] = self._clock()

    def ended(self, sign_in: str) -> bool:
        """Whether the person signed out."""
        return sign_in in self._ended

    def is_idle(self, sign_in: str) -> bool:
        """Whether the person did nothing for too long; a sign-in not seen yet begins now."""
        return self._clock() - self._used.setdefault(sign_in, self._clock()) > self._idle

    def end(self, sign_in: str) -> None:
        """End a sign-in for good."""
        oldest = self._clock() - self._lasts
        self._used = {key: at for key, at in self._used.items() if at > oldest and key != sign_in}
        self._ended = {key: at for key, at in self._ended.items() if at > oldest}
        self._ended[sign_in] = self._clock()
        write_private(self._file, json.dumps(self._ended))

    def _read(self) -> dict[str, float]:
        if not self._file.exists():
            return {}
        ended: dict[str, float] = json.loads(read_private(self._file, "The file of ended sign-ins"))
        return ended


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
        self.limits = SignInLimits(clock)
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
