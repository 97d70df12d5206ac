"""Who looks at a page and what the role lets them do."""

from dataclasses import dataclass

from planwise.errors import InputError

ROLES = ("analyst", "approver", "operator", "auditor", "admin")
NO_ROLE = "none"  # sees nothing
EDITORS = frozenset({"analyst", "admin"})  # edit, propose
RUNNERS = frozenset({"analyst", "operator", "admin"})  # run flows
PAY_READERS = frozenset({"analyst", "auditor", "admin"})  # see single people and their pay
READ_ONLY = "Your role can view scenarios but not edit them."


@dataclass(frozen=True)
class User:
    """A person with one role; `signed_in` is False when sign-in is off."""

    name: str
    role: str
    signed_in: bool = False

    @property
    def can_edit(self) -> bool:
        """Whether the role may create and change scenarios."""
        return self.role in EDITORS

    @property
    def can_run(self) -> bool:
        """Whether the role may start and cancel runs and studies."""
        return self.role in RUNNERS

    @property
    def can_see_individual_pay(self) -> bool:
        """Whether the role may see single people and their pay."""
        return self.role in PAY_READERS

    def require_edit(self, what: str) -> None:
        """Raise InputError unless the role may edit; `what` completes "… may not …"."""
        if not self.can_edit:
            raise _refused(self, what, EDITORS)

    def require_run(self, what: str) -> None:
        """Raise InputError unless the role may run; `what` completes "… may not …"."""
        if not self.can_run:
            raise _refused(self, what, RUNNERS)

    def require_individual_pay(self) -> None:
        """Raise InputError unless the role may see single people and their pay."""
        if not self.can_see_individual_pay:
            raise _refused(self, "see the pay of single people", PAY_READERS)


def _refused(user: User, what: str, allowed: frozenset[str]) -> InputError:
    return InputError(
        f"{user.name} ({user.role}) may not {what}.",
        remedy=f"Ask a user with the role {' or '.join(sorted(allowed))}.",
    )
