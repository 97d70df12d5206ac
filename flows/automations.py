"""`planwise automations`: install, list and uninstall the automations that are shipped as data."""

from pathlib import Path
from typing import Annotated, Any

import httpx
import yaml
from cyclopts import App, Parameter

from flows.deployments import call_api, connected, required_server
from planwise.cli.options import Json
from planwise.console import emit_json, results
from planwise.errors import InputError

SHIPPED = Path(__file__).with_name("automations.yaml")
PREFIX = "PlanWise: "  # of the names of the automations that are ours on the server
WEBHOOK = "webhook"  # the type of block that takes a payload; others take a subject and a text

app = App(name="automations", help="Notify when a gate blocks or a nightly run fails.")


@app.command
def install(
    *,
    notify: Annotated[
        str | None,
        Parameter(help="Block that notifies, TYPE/NAME as in Prefect, e.g. slack-webhook/hr; default none."),
    ] = None,
    json: Json = False,
) -> None:
    """Create the shipped automations, or bring them up to date.

    Without a block they only appear in Prefect's event feed when they fire.
    """
    with connected(required_server()) as http:
        block = None if notify is None else _block_of(http, notify)
        existing = {one["name"]: one["id"] for one in _installed(http)}
        for shipped in yaml.safe_load(SHIPPED.read_text(encoding="utf-8")):
            content = automation_of(shipped, block)
            if known := existing.pop(content["name"], None):
                call_api(http, "PUT", f"/automations/{known}", content)
            else:
                call_api(http, "POST", "/automations/", content)
        for outdated in existing.values():
            call_api(http, "DELETE", f"/automations/{outdated}")
        _show(http, as_json=json)


@app.command(name="list")
def list_(*, json: Json = False) -> None:
    """List the installed automations and what they do when they fire."""
    with connected(required_server()) as http:
        _show(http, as_json=json)


@app.command
def uninstall(*, json: Json = False) -> None:
    """Delete the installed automations; those made by others stay."""
    with connected(required_server()) as http:
        for one in _installed(http):
            call_api(http, "DELETE", f"/automations/{one['id']}")
        _show(http, as_json=json)


def automation_of(shipped: dict[str, Any], block: tuple[str, str] | None) -> dict[str, Any]:
    """Return an automation as the server takes it; `block` is the type and the id of what notifies."""
    name = f"{PREFIX}{shipped['name']}"
    trigger = {"type": "event", "posture": "Reactive", "threshold": 1, "within": 0, **shipped["trigger"]}
    action: dict[str, Any] = {"type": "do-nothing"}
    if block is not None:
        kind, document = block
        text = {"payload": shipped["text"]} if kind == WEBHOOK else {"subject": name, "body": shipped["text"]}
        called = "call-webhook" if kind == WEBHOOK else "send-notification"
        action = {"type": called, "block_document_id": document, **text}
    return {
        "name": name,
        "description": shipped["description"],
        "enabled": True,
        "trigger": trigger,
        "actions": [action],
    }


def _installed(http: httpx.Client) -> list[dict[str, Any]]:
    found = call_api(http, "POST", "/automations/filter", {"limit": 200})
    return sorted((one for one in found if one["name"].startswith(PREFIX)), key=lambda one: str(one["name"]))


def _block_of(http: httpx.Client, notify: str) -> tuple[str, str]:
    """Return type and id of a block; raises InputError when there is none of that name."""
    kind, slash, name = notify.partition("/")
    path = f"/block_types/slug/{kind}/block_documents/name/{name}"
    found = call_api(http, "GET", path, known=(httpx.codes.NOT_FOUND,)) if slash else None
    if found is None:
        raise InputError(
            f"The Prefect server has no block {notify!r}.",
            remedy="Create one on its page Blocks, e.g. a slack-webhook; write --notify slack-webhook/NAME.",
        )
    return kind, str(found["id"])


def _show(http: httpx.Client, *, as_json: bool) -> None:
    rows = [
        {
            "name": one["name"],
            "enabled": one["enabled"],
            "actions": [action["type"] for action in one["actions"]],
        }
        for one in _installed(http)
    ]
    if as_json:
        emit_json({"automations": rows})
        return
    for row in rows:
        state = "" if row["enabled"] else " (paused)"
        results().print(f"{row['name']}{state}: {', '.join(row['actions'])}", markup=False, soft_wrap=True)
    if not rows:
        results().print("No automation of PlanWise is installed.")
    elif all(row["actions"] == ["do-nothing"] for row in rows):
        results().print("They are shown in Prefect's event feed only; --notify TYPE/NAME sends a message.")
