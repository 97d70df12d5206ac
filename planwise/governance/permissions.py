"""Who may do what: the one table of role and action, for commands, flows and pages."""

from collections.abc import Mapping
from enum import StrEnum

from planwise.errors import InputError

EVERY_ROLE = "all"  # the role in a home where no one has a role


class Role(StrEnum):
    """A person's role."""

    ANALYST = "analyst"
    APPROVER = "approver"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Action(StrEnum):
    """What a role allows; the text completes "… may not …"."""

    READ = "look at scenarios and results"
    EDIT = "create or change scenarios and censuses"
    RUN = "start or cancel runs and studies"
    PROPOSE = "propose a scenario"
    APPROVE = "approve or reject a proposal"
    RELEASE = "release or roll back"
    MONITOR = "record actuals"
    MAINTAIN = "delete what is no longer needed"
    SEE_PAY = "see the pay of single people"
    AUDIT = "read the audit trail"
    MANAGE_USERS = "give people roles"


ALLOWED: Mapping[Action, frozenset[Role]] = {
    Action.READ: frozenset(Role),
    Action.EDIT: frozenset({Role.ANALYST, Role.ADMIN}),
    Action.RUN: frozenset({Role.ANALYST, Role.OPERATOR, Role.ADMIN}),
    Action.PROPOSE: frozenset({Role.ANALYST, Role.ADMIN}),
    Action.APPROVE: frozenset({Role.APPROVER, Role.ADMIN}),
    Action.RELEASE: frozenset({Role.OPERATOR, Role.ADMIN}),
    Action.MONITOR: frozenset({Role.ANALYST, Role.OPERATOR, Role.ADMIN}),
    Action.MAINTAIN: frozenset({Role.OPERATOR, Role.ADMIN}),
    Action.SEE_PAY: frozenset({Role.ANALYST, Role.AUDITOR, Role.ADMIN}),
    Action.AUDIT: frozenset({Role.APPROVER, Role.AUDITOR, Role.ADMIN}),
    Action.MANAGE_USERS: frozenset({Role.ADMIN}),
}


class Forbidden(InputError):
    """The person's role does not allow the action."""


def may(role: str, action: Action) -> bool:
    """Return whether a role allows an action."""
    return role == EVERY_ROLE or role in ALLOWED[action]


def forbidden(name: str, role: str, action: Action) -> Forbidden:
    """Return the error for an action that the role does not allow."""
    has = f"{name} ({role})" if role else f"{name}, who has no role,"
    roles = " or ".join(sorted(ALLOWED[action]))
    return Forbidden(f"{has} may not {action}.", remedy=f"Ask a user with the role {roles}.")
