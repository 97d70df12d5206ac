"""Who looks at a page and what the role lets them do."""

from dataclasses import dataclass

from planwise.governance.permissions import Action, Role, forbidden, may

ROLES = tuple(Role)
NO_ROLE = "none"  # sees nothing
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
        return self.can(Action.EDIT)

    @property
    def can_run(self) -> bool:
        """Whether the role may start and cancel runs and studies."""
        return self.can(Action.RUN)

    @property
    def can_see_individual_pay(self) -> bool:
        """Whether the role may see single people and their pay."""
        return self.can(Action.SEE_PAY)

    def why_not(self, action: Action) -> str:
        """Return why the role does not allow an action; empty when it does."""
        return "" if self.can(action) else forbidden(self.name, self.role, action).what

    def can(self, action: Action) -> bool:
        """Whether the role allows an action."""
        return may(self.role, action)

    def require(self, action: Action) -> None:
        """Raise Forbidden unless the role allows the action."""
        if not self.can(action):
            raise forbidden(self.name, self.role, action)
