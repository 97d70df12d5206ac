"""Put a result in force: `prod` shows its tables, `published/prod` has its files; old or new, never between.

The one commit is the ledger's transaction that replaces the levers in force: what ended before it is undone
after an interruption, what follows is finished. Both happen at the start of the next command.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from planwise.engine.project import quoted_path
from planwise.engine.publishing import put_in_force, store_copy
from planwise.engine.warehouse import MARTS, Warehouse, scenario_environment
from planwise.errors import DamagedStore, InputError, PlanWiseError
from planwise.gate import GateResult, require
from planwise.governance import Ledger
from planwise.governance.publications import PROD, Publication, load_publication, load_stored
from planwise.parameters import BASELINE, Value, catalogue, merged_overrides
from planwise.parameters.values import parse_key
from planwise.release.releases import (
    Change,
    Checkpoint,
    Release,
    ReleaseKind,
    Releases,
    ReleaseStep,
)
from planwise.settings import Settings

Gate = Callable[[str], GateResult]
"""Evaluates the simulation gate on an environment."""


class SwitchFailed(PlanWiseError):
    """What was to be put in force is not what was approved; the previous release is in force."""

    exit_code = 1


class Switch:
    """Plans, makes and recovers changes of what is in force; the caller has the warehouse's lock."""

    def __init__(self, settings: Settings, ledger: Ledger, warehouse: Warehouse) -> None:
        self._settings = settings
        self._ledger = ledger
        self._warehouse = warehouse
        self.releases = Releases(ledger)

    def to_scenario(self, scenario: str, fingerprint: str, proposal: int | None = None) -> Change:
        """Return the change that puts a scenario's approved result in force, with the levers it sets."""
        stored = self._ledger.scenarios.get(scenario)
        known = catalogue().levers
        own = {key: value for key, value in stored.overrides.items() if parse_key(key).name in known}
        levers = merged_overrides(self._ledger.dynamic_levers.current(), own)
        found = load_publication(self._settings, scenario)
        environment = scenario_environment(scenario)
        shown = self._warehouse.environment_fingerprint(environment)
        for what, now in ((f"The published result of {scenario}", found.fingerprint), (environment, shown)):
            if now != fingerprint:
                raise InputError(
                    f"{what} is not what was approved: fingerprint {now}, approved {fingerprint}.",
                    remedy=f"Run `planwise simulate --scenario {scenario}` again, or propose what it is now.",
                )
        return self._change(ReleaseKind.RELEASE, scenario, fingerprint, levers, proposal=proposal)

    def to_checkpoint(self, checkpoint: Checkpoint) -> Change:
        """Return the change that puts a checkpoint in force again."""
        return self._change(
            ReleaseKind.ROLLBACK,
            checkpoint.scenario,
            checkpoint.fingerprint,
            checkpoint.levers,
            target=checkpoint.name,
        )

    def check(self, change: Change) -> None:
        """Raise InputError or DamagedStore unless all that the change needs is there; nothing is changed."""
        for fingerprint, scenario in (
            (change.fingerprint, change.scenario),
            (change.fingerprint_before, change.scenario_before),
        ):
            self._environment(fingerprint, scenario)
            self._stored(fingerprint, scenario)

    def models_of(self, change: Change) -> int:
        """Return how many models the change's result has, all of which are reused."""
        return self._warehouse.count_models(self._environment(change.fingerprint, change.scenario))

    def make(self, change: Change, gate: Gate | None = None) -> Release:
        """Put the change's result in force; any error leaves what was in force before, and says so."""
        self.check(change)
        release = self.releases.start(change)
        try:
            release = self._prepare(release, gate)
            release = self.releases.commit(release)
        except Exception as error:
            self._undo_after(release, error)
            raise
        return self._publish(release)

    def repair(self, release: Release) -> None:
        """Copy the files of what is in force again if they are missing or damaged."""
        self._store(release.fingerprint, release.scenario)

    def recover(self) -> str:
        """Finish or undo what was interrupted; return what was done, empty for nothing."""
        release = self.releases.unfinished()
        if release is None:
            return ""
        if release.step is ReleaseStep.COMMITTED:
            self._publish(release)
            return f"The {release} was interrupted after it was committed, and is now finished."
        self._undo(release, f"interrupted after the step: {release.step}")
        return f"The {release} was interrupted before it was committed, and is undone."

    def _prepare(self, release: Release, gate: Gate | None) -> Release:
        warehouse, releases = self._warehouse, self.releases
        before = self._environment(release.fingerprint_before, release.scenario_before)
        warehouse.show(release.checkpoint, before)
        self._store(release.fingerprint_before, release.scenario_before)
        release = releases.ended(release, ReleaseStep.KEPT)
        source = self._environment(release.fingerprint, release.scenario)
        found = None
        if gate is not None:
            found = require(gate(source))
        result = self._store(release.fingerprint, release.scenario, found)
        release = releases.ended(release, ReleaseStep.STORED)
        warehouse.show(PROD, source)
        self._verify(source, result)
        return releases.ended(release, ReleaseStep.SHOWN)

    def _verify(self, source: str, result: Publication) -> None:
        """Require that prod has the rows of its source and of the files that are published, mart by mart."""
        shown, expected = self._warehouse.checksums(PROD), self._warehouse.checksums(source)
        for mart in MARTS:
            file = f"(SELECT * FROM read_parquet({quoted_path(result.file(mart))}))"
            if not shown[mart] == expected[mart] == self._warehouse.checksum(file):
                scenario = result.manifest["released_scenario"]
                raise SwitchFailed(
                    f"{mart} of prod differs from {source} or from {result.folder}.",
                    remedy=f"Run `planwise simulate --scenario {scenario}` again.",
                )

    def _publish(self, release: Release) -> Release:
        keep = {one.fingerprint for one in self.releases.checkpoints()}
        put_in_force(self._settings, PROD, release.fingerprint, keep)
        return self.releases.ended(release, ReleaseStep.PUBLISHED)

    def _undo(self, release: Release, reason: str) -> None:
        environments = self._warehouse.environments()
        if release.checkpoint in environments:
            if PROD in environments and release.step is not ReleaseStep.STARTED:
                self._warehouse.show(PROD, release.checkpoint)
            self._warehouse.drop(release.checkpoint)
        self.releases.fail(release, reason)

    def _undo_after(self, release: Release, error: Exception) -> None:
        what = error.what if isinstance(error, PlanWiseError) else type(error).__name__
        still = f"{release.scenario_before} ({release.fingerprint_before}) is still in force."
        with suppress(PlanWiseError):  # the next command tries again
            release = self.releases.unfinished() or release
            self._undo(release, what.splitlines()[0])
        if isinstance(error, PlanWiseError):
            error.remedy = f"{error.remedy or ''} {still}".strip()

    def _change(
        self,
        kind: ReleaseKind,
        scenario: str,
        fingerprint: str,
        levers: Mapping[str, Value],
        *,
        proposal: int | None = None,
        target: str | None = None,
    ) -> Change:
        now = self.releases.in_force()
        return Change(
            kind=kind,
            scenario=scenario,
            fingerprint=fingerprint,
            levers=levers,
            scenario_before=BASELINE if now is None else now.scenario,
            fingerprint_before=self._baseline() if now is None else now.fingerprint,
            levers_before=self._ledger.dynamic_levers.current(),
            released_before=None if now is None else now.ended_at,
            proposal=proposal,
            target=target,
        )

    def _baseline(self) -> str:
        """Return the fingerprint of the baseline's published result, which the first release keeps."""
        try:
            return load_publication(self._settings, BASELINE).fingerprint
        except InputError as error:
            raise InputError(
                "The first release keeps the baseline as its checkpoint, and the baseline has no result.",
                remedy="Run `planwise simulate` first.",
            ) from error

    def _environment(self, fingerprint: str, scenario: str) -> str:
        """Return an environment that shows a result; raises InputError when the warehouse has none."""
        first = [PROD, scenario_environment(scenario)]
        names = [*first, *(name for name in self._warehouse.environments() if name not in first)]
        for name in names:
            if self._warehouse.environment_fingerprint(name) == fingerprint and self._warehouse.is_whole(
                name
            ):
                return name
        raise InputError(
            f"The warehouse no longer has the tables of {scenario} with the fingerprint {fingerprint}.",
            remedy=f"Run `planwise simulate --scenario {scenario}` with what it was, then try again.",
        )

    def _stored(self, fingerprint: str, scenario: str) -> Publication:
        """Return the files of a result: those of `prod` unless they are damaged, else the scenario's."""
        with suppress(DamagedStore):
            found = load_stored(self._settings, PROD, fingerprint)
            if all(found.file(mart) for mart in MARTS):
                return found
        return load_stored(self._settings, scenario, fingerprint)

    def _store(self, fingerprint: str, scenario: str, gate: GateResult | None = None) -> Publication:
        changes: dict[str, Any] = {"environment": PROD, "released_scenario": scenario}
        if gate is not None:
            changes["gate"] = gate.as_json()
        return store_copy(self._settings, self._stored(fingerprint, scenario), PROD, **changes)
