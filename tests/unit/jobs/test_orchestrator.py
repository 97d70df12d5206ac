"""Which Prefect server is configured, and what it wants to be shown."""

import pytest

from planwise.prefect_profile import orchestrator

API = "http://127.0.0.1:4200/api"


def test_without_one_there_is_none(tmp_path):
    assert orchestrator({"PREFECT_HOME": str(tmp_path)}) is None


def test_pages_are_beside_the_api_unless_they_are_named(tmp_path):
    home = {"PREFECT_HOME": str(tmp_path), "PREFECT_API_URL": API}
    assert orchestrator(home).flow_run("r1") == "http://127.0.0.1:4200/runs/flow-run/r1"
    named = orchestrator({**home, "PREFECT_UI_URL": "https://prefect.example/"})
    assert named.flow_run("r1") == "https://prefect.example/runs/flow-run/r1"


@pytest.mark.parametrize(
    ("setting", "header"),
    [
        ({"PREFECT_API_KEY": "k"}, "Bearer k"),
        ({"PREFECT_API_AUTH_STRING": "ana:secret"}, "Basic YW5hOnNlY3JldA=="),
    ],
)
def test_what_the_server_asks_for_is_shown(tmp_path, setting, header):
    found = orchestrator({"PREFECT_HOME": str(tmp_path), "PREFECT_API_URL": API, **setting})
    assert found.headers == {"Authorization": header}


def test_a_profile_counts_where_the_environment_is_silent(tmp_path):
    (tmp_path / "profiles.toml").write_text(
        f'active = "team"\n[profiles.team]\nPREFECT_API_URL = "{API}"\nPREFECT_API_KEY = "k"\n'
    )
    found = orchestrator({"PREFECT_HOME": str(tmp_path)})
    assert (found.api, found.headers) == (API, {"Authorization": "Bearer k"})
