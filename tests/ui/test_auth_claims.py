"""Who a token says one is, and what one may do."""

import pytest

from planwise.settings import SignInSettings
from ui.auth.oidc import NotAdmitted, Rules, claim, name_of, role_of

RULES = Rules("preferred_username", "realm_access.roles", {"hr": "analyst", "boss": "admin"}, "auditor")


@pytest.mark.parametrize(
    ("said", "role"),
    [
        ({"realm_access": {"roles": ["hr"]}}, "analyst"),
        ({"realm_access": {"roles": ["hr", "boss"]}}, "admin"),
        ({"realm_access": {"roles": "hr"}}, "analyst"),
        ({"realm_access": {"roles": ["admin", 1, None]}}, "auditor"),
        ({"realm_access": "hr"}, "auditor"),
        ({"realm_access.roles": ["boss"]}, "admin"),
        ({}, "auditor"),
    ],
)
def test_values_of_a_claim_are_roles(said, role):
    assert role_of(said, RULES) == role


def test_a_value_that_is_a_role_counts_without_a_table():
    rules = Rules.of(SignInSettings(oidc_role_claim="groups"))
    assert role_of({"groups": ["x", "approver"]}, rules) == "approver"


@pytest.mark.parametrize("name", [None, "", " ", 7, "a\nb", "x" * 201])
def test_who_has_no_usable_name_is_refused(name):
    with pytest.raises(NotAdmitted, match="preferred_username"):
        name_of({"preferred_username": name}, RULES)


def test_an_e_mail_that_is_not_verified_is_no_name():
    rules = Rules("email", "roles", {}, "auditor")
    assert name_of({"email": "a@b.c", "email_verified": True}, rules) == "a@b.c"
    with pytest.raises(NotAdmitted, match="not verified"):
        name_of({"email": "a@b.c", "email_verified": False}, rules)


def test_a_claim_may_be_nested_or_named_by_an_address():
    assert claim({"a": {"b": 1}}, "a.b") == 1
    assert claim({"https://x.y/r": 2}, "https://x.y/r") == 2
    assert claim({"a": 1}, "a.b") is None
