"""`planwise backup` and `planwise restore`."""

from typing import Annotated

from cyclopts import Parameter

from flows.launch import run_use_case
from planwise.app.backup import Backup, BackupRequest, Restored, RestoreRequest, back_up
from planwise.app.backup import restore as restore_backup
from planwise.app.runner import InProcessRunner
from planwise.cli.options import AsFlow, Home, Json
from planwise.console import emit_json, results, settings_for

EVERYTHING = BackupRequest()  # the options' defaults


def backup(
    *,
    request: Annotated[BackupRequest, Parameter(name="*")] = EVERYTHING,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Write a backup of the home, while it is used: ledger, warehouse, censuses, results, studies, jobs.

    It has the pay of everybody: keep it as safe as the home. Not in it: `.env`, the ledger's key, the secret
    of cookies, caches and logs. The archive is read again and checked before the command ends.
    """
    done: Backup = run_use_case(settings_for(home), job=back_up, flow="backup", request=request, as_flow=flow)
    if json:
        emit_json(done.as_json())
        return
    out = results()
    out.print(
        f"Wrote {done.output}: {done.bytes / 1e6:,.1f} MB, {done.files:,} files.",
        markup=False,
        soft_wrap=True,
    )
    out.print(f"Audit trail {done.head}.", markup=False, soft_wrap=True)
    for file in done.removed:
        out.print(f"Deleted {file}.", markup=False, soft_wrap=True)


def restore(
    request: Annotated[RestoreRequest, Parameter(name="*")],
    *,
    home: Home = None,
    json: Json = False,
) -> None:
    """Restore a backup into the home, which appears whole or not at all.

    Every file is compared with its checksum first. A home that is not empty is replaced only with --replace,
    while nothing runs in it, and is kept beside the new one.
    """
    done: Restored = restore_backup(settings_for(home), request, InProcessRunner())
    if json:
        emit_json(done.as_json())
        return
    out = results()
    what = "Restored" if done.restored else "Whole, not restored:"
    out.print(
        f"{what} {done.file}: {done.files:,} files of {done.made_at:%Y-%m-%d %H:%M} UTC, "
        f"written by PlanWise {done.planwise}.",
        markup=False,
        soft_wrap=True,
    )
    if done.replaced:
        out.print(f"The earlier home is {done.replaced}.", markup=False, soft_wrap=True)
    if done.problem:
        out.print(done.problem, markup=False, soft_wrap=True)
    elif done.restored:
        out.print(f"Home {done.home}; audit trail verified, {done.head}.", markup=False, soft_wrap=True)
