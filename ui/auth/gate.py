"""Admit users: tickets, sessions, rate limits."""

import asyncio
import hashlib
import ipaddress
import json
import secrets
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from planwise.governance import EventType, open_ledger
from planwise.governance.ledger import os_user
from planwise.settings import Settings, SignInSettings
from planwise.storage import reading
from ui.auth.configuration import cookie_secret, users_of
from ui.auth.users import Users, folder, read_private, write_private
from ui.values.user import ROLES, User

WAIT_MAX_SECONDS = 900.0
FORGET_SECONDS = 3600.0
KEYS_MAX = 10_000  # the least recently used are dropped, so that memory is bounded
WAITING_MAX = 500  # attempts that wait for their turn, each a few kilobytes
IPV6_CUSTOMER_BITS = 64
FREE_ATTEMPTS = 5  # failures of a name from an address before its next attempt must wait


@dataclass(frozen=True)
class Failures:
    """The number of failures in a row, and the time of the last (seconds)."""

    count: int
    last: float


class SignInLimits:
    """Failures by name and address together.

    Neither alone counts: one address that fails with an owner's name must not lock the owner out elsewhere,
    and one that fails with many names must not stop the others at that address, who may share a proxy.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: OrderedDict[bytes, Failures] = OrderedDict()

    def wait_seconds(self, name: str, address: str) -> float:
        """Return the time until the next attempt is allowed; 0 if it is allowed now."""
        failures = self._recent(_key(name, address))
        if failures.count < FREE_ATTEMPTS:
            return 0.0
        # The exponent is capped before it is raised: a float power overflows at 1024.
        wait = min(2.0 ** min(failures.count - FREE_ATTEMPTS, 16), WAIT_MAX_SECONDS)
        return max(0.0, failures.last + wait - self._clock())

    def failed(self, name: str, address: str) -> None:
        """Count a failure."""
        key = _key(name, address)
        self._failures[key] = Failures(self._recent(key).count + 1, self._clock())
        self._failures.move_to_end(key)
        while len(self._failures) > KEYS_MAX:
            self._failures.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of this name from this address."""
        self._failures.pop(_key(name, address), None)

    def _recent(self, key: bytes) -> Failures:
        found = self._failures.get(key)
        if found is None or self._clock() - found.last > FORGET_SECONDS:
            return Failures(0, 0.0)
        return found


def _key(name: str, address: str) -> bytes:
    """Return a key of one size for a name in any case and Unicode form, from any address of a network."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()
    return hashlib.sha256(f"{_network(address)} {folded}".encode("utf-8", "replace")).digest()


def _network(address: str) -> str:
    """Return whom an address belongs to: IPv6 gives every customer a network of 2^64 addresses."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, IPV6_CUSTOMER_BITS), strict=False))


class Turns:
    """One password is checked at a time: addresses take turns, the oldest attempt of an address goes first.

    So a flood delays other addresses by one check each, and the right person at its own by one check for each
    of its connections; one that came later never overtakes. Beyond WAITING_MAX the newest attempt of the
    address with the most is refused.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, list[asyncio.Future[bool]]] = OrderedDict()
        self._busy = False

    async def take(self, address: str) -> bool:
        """Wait for a turn; return whether it came, and then `done` must follow."""
        if not self._busy:
            self._busy = True
            return True
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(_network(address), []).append(turn)
        if sum(map(len, self._waiting.values())) > WAITING_MAX:
            most = max(self._waiting, key=lambda network: len(self._waiting[network]))
            self._waiting[most].pop().set_result(False)
        return await turn

    def done(self) -> None:
        """Give the turn to the address that has waited longest for one."""
        if not self._waiting:
            self._busy = False
            return
        network, waiting = self._waiting.popitem(last=False)
        waiting.pop(0).set_result(True)
        if waiting:
            self._waiting[network] = waiting


ENDED = TypeAdapter(dict[str, float])


class Presence:
    """Last use of open sign-ins, and those that ended: kept in a file until they would have expired."""

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
        """Record that the user was active."""
        self._used[sign_in] = self._clock()

    def ended(self, sign_in: str) -> bool:
        """Return whether the user signed out."""
        return sign_in in self._ended

    def is_idle(self, sign_in: str) -> bool:
        """Return whether the user was inactive for too long; an unknown sign-in starts now."""
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
        store = "The file of ended sign-ins"
        remedy = "Delete it and the cookie secret beside it: every user signs in again."
        with reading(store, self._file, remedy):
            return ENDED.validate_json(read_private(self._file, store))


ID_BYTES = 24


@dataclass(frozen=True)
class Ticket:
    """One sign-in: user, time (seconds since 1970) and method.

    `role` is the provider's; empty for `basic`, where it is read from the file of users each time.
    """

    id: str
    name: str
    role: str
    issued_at: float
    method: str

    def to_text(self) -> str:
        """Return the content of the cookie, which Tornado signs."""
        return json.dumps(asdict(self))


def read_ticket(text: str) -> Ticket | None:
    """Return the ticket of a cookie with a valid signature; None for one of another version."""
    try:
        ticket = Ticket(**json.loads(text))
    except (ValueError, TypeError):
        return None
    return ticket if ticket.role in ("", *ROLES) else None


IDENTITY = "planwise_identity"  # the attribute of an admitted request
SECONDS_OF_DAY = 86_400


@dataclass(frozen=True)
class Identity:
    """A user and the ticket that identifies them."""

    user: User
    ticket: Ticket


class Gate:
    """Issue, check and end sign-ins of `basic` or `oidc`."""

    def __init__(
        self, settings: Settings, sign_in: SignInSettings, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.sign_in = sign_in
        self._settings = settings
        self.users: Users = users_of(settings, sign_in)
        self.limits = SignInLimits(clock)
        self.turns = Turns()
        self._method = method_of(sign_in)
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
        """How long a cookie is valid."""
        return self.lasts_seconds / SECONDS_OF_DAY

    def issue(self, name: str, role: str = "") -> Ticket:
        """Return a new sign-in; `role` is empty where the file of users has it."""
        ticket = Ticket(secrets.token_urlsafe(ID_BYTES), name, role, self._clock(), self._method)
        self.presence.touch(ticket.id)
        with open_ledger(self._settings, actor=name, role=role or self._role(ticket)) as ledger:
            ledger.events.record(EventType.LOGIN, subject=name, payload={"method": self.sign_in.auth})
        return ticket

    def identify(self, text: str) -> Identity | None:
        """Return the identity of a cookie with a valid signature, or None if it has ended."""
        ticket = read_ticket(text)
        if ticket is None or self.end_reason(ticket):
            return None
        role = self._role(ticket)
        return Identity(User(ticket.name, role, signed_in=True), ticket) if role else None

    def end_reason(self, ticket: Ticket) -> str:
        """Return why a sign-in has ended, as a key of `reason_text`; empty while it is valid."""
        if self.presence.ended(ticket.id):
            return "ended"
        if ticket.method != self._method:
            return "changed"
        if self._clock() - ticket.issued_at > self.lasts_seconds:
            return "expired"
        if self.presence.is_idle(ticket.id):
            return "idle"
        return "" if self._role(ticket) else "changed"

    def close_if_ended(self, identity: Identity) -> str:
        """End a sign-in that is no longer valid; return the reason, empty while the session may continue."""
        why = self.end_reason(identity.ticket)
        if not why and self._role(identity.ticket) != identity.user.role:
            why = "role"
        if why and not self.presence.ended(identity.ticket.id):
            self.presence.end(identity.ticket.id)
        return why

    def reason_text(self, why: str) -> str:
        """Return the text of a reason; "You are signed out." for any other key."""
        return {
            "expired": f"You signed in more than {self.sign_in.session_hours:g} hours ago.",
            "idle": f"You were inactive for {self.sign_in.idle_minutes:g} minutes.",
            "changed": "Your account or the sign-in method was changed.",
            "role": "Your role was changed.",
        }.get(why, "You are signed out.")

    def _role(self, ticket: Ticket) -> str:
        if self.sign_in.auth == "oidc":
            return ticket.role
        known = self.users.get(ticket.name)
        return known.role if known and known.changed_at.timestamp() <= ticket.issued_at else ""


def method_of(sign_in: SignInSettings) -> str:
    """Return how people sign in, marked by what decides their roles: tickets by other rules have ended."""
    if sign_in.auth != "oidc":
        return sign_in.auth
    rules = sign_in.model_dump(
        mode="json", include={"oidc_issuer", "oidc_client_id", "oidc_name_claim", "oidc_role_claim"}
    )
    rules |= {"roles": sorted(sign_in.oidc_roles.items()), "default": sign_in.oidc_default_role}
    return f"oidc {hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:16]}"


def user_of(request: Any, gate: Gate | None) -> tuple[User, Identity | None]:
    """Return the user of a request; without a gate, the operating system's user as administrator.

    Raises PermissionError for a request that did not pass the gate.
    """
    if gate is None:
        return User(os_user(), "admin"), None
    identity = getattr(request, IDENTITY, None)
    if not isinstance(identity, Identity):
        raise PermissionError("A session without a sign-in.")
    return identity.user, identity
