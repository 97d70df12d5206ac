"""What a provider says about a person, as a name and a role."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planwise.errors import InputError
from planwise.settings import SignInSettings
from ui.auth.configured import NO_ROLE
from ui.values.user import ROLES

# Who has several roles gets the first of these.
STRONGEST_FIRST = ("admin", "approver", "analyst", "operator", "auditor")
NAME_MAX = 200  # the ledger's width


class NotAdmitted(InputError):
    """The provider knows this person, and the dashboard does not let them in."""


@dataclass(frozen=True)
class Rules:
    """Which claims say the name and the role, and what the values mean."""

    name_claim: str
    role_claim: str
    roles: Mapping[str, str]
    default_role: str

    @staticmethod
    def of(sign_in: SignInSettings) -> "Rules":
        """Return the rules of the settings; without a table of roles, a value is a role's own name."""
        roles = sign_in.oidc_roles or {role: role for role in ROLES}
        return Rules(sign_in.oidc_name_claim, sign_in.oidc_role_claim, roles, sign_in.oidc_default_role)

    def are_answered_by(self, claims: Mapping[str, Any]) -> bool:
        """Whether the claims have both, so that nothing more need be asked."""
        return claim(claims, self.name_claim) is not None and claim(claims, self.role_claim) is not None


def claim(claims: Mapping[str, Any], path: str) -> Any:
    """Return a claim by its name, or by a path into nested ones (`realm_access.roles`); None without it."""
    if path in claims:  # such as https://example.org/roles
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def name_of(claims: Mapping[str, Any], rules: Rules) -> str:
    """Return who it is; raises NotAdmitted without a usable name, or for an e-mail not verified."""
    name = claim(claims, rules.name_claim)
    if not isinstance(name, str) or not name.strip() or len(name) > NAME_MAX or not name.isprintable():
        raise NotAdmitted(
            f"The provider did not say who you are: no claim {rules.name_claim!r}.",
            remedy="An administrator can name another: PLANWISE_OIDC_NAME_CLAIM, PLANWISE_OIDC_SCOPES.",
        )
    if rules.name_claim == "email" and claims.get("email_verified") is False:
        raise NotAdmitted(f"{name} is not verified by the provider.", remedy="Verify it there first.")
    return name


def role_of(claims: Mapping[str, Any], rules: Rules) -> str:
    """Return the strongest role of the claim's values, else the default; raises NotAdmitted for `none`."""
    said = claim(claims, rules.role_claim)
    values = said if isinstance(said, list) else [said]
    roles = {rules.roles[value] for value in values if isinstance(value, str) and value in rules.roles}
    found = next((role for role in STRONGEST_FIRST if role in roles), rules.default_role)
    if found == NO_ROLE:
        raise NotAdmitted(
            "Your account has no role in this dashboard.",
            remedy=f"Ask an administrator to give it one (the claim {rules.role_claim!r} at the provider).",
        )
    return found
