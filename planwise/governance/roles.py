"""The people of a home who have a role, and the person that this process works for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, insert, select

from planwise.errors import InputError
from planwise.governance.connection import reading, writing
from planwise.governance.models import UserRoleRow
from planwise.governance.permissions import EVERY_ROLE, Action, Role, forbidden, may

TABLE = UserRoleRow.__table__
IDENTITY: ContextVar[tuple[str, str | None] | None] = ContextVar("identity", default=None)


@contextmanager
def acting_as(name: str, role: str | None = None) -> Iterator[None]:
    """Open ledgers in this block for a person; the role is the ledger's unless sign-in has given one."""
    token = IDENTITY.set((name, role))
    try:
        yield
    finally:
        IDENTITY.reset(token)


class Roles:
    """The roles of people in this home, and what the ledger's actor may do."""

    def __init__(
        self, engine: Engine, *, actor: str, given: str | None, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._actor = actor
        self._given = given
        self._clock = clock
        self._found: str | None = None

    def all(self) -> dict[str, str]:
        """Return the role of everyone who has one, by name."""
        with reading(self._engine) as connection:
            return _roles(connection)

    def of_actor(self, connection: Connection | None = None) -> str:
        """Return the actor's role: that of the sign-in, else the ledger's; empty for someone without.

        The ledger is read once: an opened one serves a command, or one act in the dashboard.
        """
        if self._given is not None:
            return self._given
        if self._found is None:
            if connection is None:
                with reading(self._engine) as own:
                    return self.of_actor(own)
            roles = _roles(connection)
            self._found = roles.get(self._actor, "") if roles else EVERY_ROLE
        return self._found

    def require(self, action: Action) -> None:
        """Raise Forbidden unless the actor's role allows the action."""
        role = self.of_actor()
        if not may(role, action):
            raise forbidden(self._actor, role, action)

    def give(self, name: str, role: str | None, record: Callable[[Connection, str | None], object]) -> None:
        """Give a person a role, or with None take it; `record` is called with the role before.

        As long as there is no admin, anyone may do it. Raises InputError for the last admin of several users.
        """
        with writing(self._engine) as connection:
            self._found = None
            roles = _roles(connection)
            if Role.ADMIN in roles.values() and not may(
                found := self.of_actor(connection), Action.MANAGE_USERS
            ):
                raise forbidden(self._actor, found, Action.MANAGE_USERS)
            if role is not None and role not in set(Role):
                raise InputError(f"Unknown role {role!r}.", remedy=f"One of: {', '.join(Role)}.")
            others = [given for one, given in roles.items() if one != name]
            if roles.get(name) == Role.ADMIN != role and others and Role.ADMIN not in others:
                raise InputError(
                    f"{name} is the only admin.", remedy="Make another user admin first, so that one remains."
                )
            connection.execute(delete(UserRoleRow).where(UserRoleRow.name == name))
            if role is not None:
                values = {"name": name, "role": role, "set_at": self._clock(), "set_by": self._actor}
                connection.execute(insert(UserRoleRow).values(values))
            self._found = None
            record(connection, roles.get(name))


def _roles(connection: Connection) -> dict[str, str]:
    rows = connection.execute(select(TABLE.c.name, TABLE.c.role).order_by(TABLE.c.name))
    return {name: role for name, role in rows}
