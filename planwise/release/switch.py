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
Run = Callable[..., Any]
"""Runs one step: the step and its arguments."""


class SwitchFailed(PlanWiseError):
    """What was to be put in force is not what was approved; the previous release is in force."""

    exit_code = 1


class Switch:
    """Plans, makes and recovers changes of what is in force; the caller has the warehouse's lock."""

    def __init__(self, settings: Settings, ledger: Ledger, warehouse: Warehouse, run: Run) -> None:
        self._settings = settings
        self._ledger = ledger
        self._warehouse = warehouse
        self._run = run
        self.releases = Releases(ledger)

    def plan_release(self, scenario: str, fingerprint: str, proposal: int | None = None) -> Change:
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

    def plan_rollback(self, checkpoint: Checkpoint) -> Change:
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
        """Put the change's result in force, step by step.

        Any error or interruption before the commit leaves what was in force before, and an error says so.
        """
        self.check(change)
        try:
            release = self.releases.start(change)
            release = self._run(self.keep_checkpoint, release)
            found = None
            if gate is not None:
                found = require(gate(self._environment(release.fingerprint, release.scenario)))
            release = self._run(self.store_result, release, found)
            release = self._run(self.show_in_prod, release)
            release = self._run(self.commit, release)
            return self._run(self.publish, release)  # type: ignore[no-any-return]
        except BaseException as error:
            self._settle(change, error)
            raise

    def keep_checkpoint(self, release: Release) -> Release:
        """Keep what is in force in an environment of its own, with its files."""
        before = self._environment(release.fingerprint_before, release.scenario_before)
        self._warehouse.show(release.checkpoint, before)
        self._store(release.fingerprint_before, release.scenario_before)
        return self.releases.ended(release, ReleaseStep.KEPT)

    def store_result(self, release: Release, gate: GateResult | None) -> Release:
        """Copy the files of the result to those of `prod`."""
        self._store(release.fingerprint, release.scenario, gate)
        return self.releases.ended(release, ReleaseStep.STORED)

    def show_in_prod(self, release: Release) -> Release:
        """Make `prod` show the tables of the result, and compare them row by row."""
        source = self._environment(release.fingerprint, release.scenario)
        self._warehouse.show(PROD, source)
        self._verify(source, load_stored(self._settings, PROD, release.fingerprint))
        return self.releases.ended(release, ReleaseStep.SHOWN)

    def commit(self, release: Release) -> Release:
        """Put it in force in the ledger."""
        return self.releases.commit(release)

    def publish(self, release: Release) -> Release:
        """Make the stored files those that are in force."""
        keep = {one.fingerprint for one in self.releases.checkpoints()}
        put_in_force(self._settings, PROD, release.fingerprint, keep)
        return self.releases.ended(release, ReleaseStep.PUBLISHED)

    def repair(self, release: Release) -> None:
        """Copy the files of what is in force again if they are missing or damaged."""
        self._store(release.fingerprint, release.scenario)

    def recover(self) -> str:
        """Finish or undo what was interrupted; return what was done, empty for nothing."""
        release = self.releases.unfinished()
        if release is None:
            return ""
        if release.step is ReleaseStep.COMMITTED:
            self.publish(release)
            return f"The {release} was interrupted after it was committed, and is now finished."
        self._undo(release, f"interrupted after the step: {release.step}")
        return f"The {release} was interrupted before it was committed, and is undone."

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

    def _undo(self, release: Release, reason: str) -> None:
        environments = self._warehouse.environments()
        if release.checkpoint in environments:
            if PROD in environments and release.step is not ReleaseStep.STARTED:
                self._warehouse.show(PROD, release.checkpoint)
            self._warehouse.drop(release.checkpoint)
        self.releases.fail(release, reason)

    def _settle(self, change: Change, error: BaseException) -> None:
        """Undo what was begun, or finish what was committed; an error says what is in force."""
        with suppress(PlanWiseError):  # the next command tries again
            release = self.releases.unfinished()
            if release is not None and release.step is ReleaseStep.COMMITTED:
                self.recover()
                return
            what = error.what.splitlines()[0] if isinstance(error, PlanWiseError) else type(error).__name__
            if release is not None:
                self._undo(release, what if isinstance(error, Exception) else "interrupted")
        if isinstance(error, PlanWiseError):
            still = f"{change.scenario_before} ({change.fingerprint_before}) is still in force."
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
        source, place = (
            self._stored(fingerprint, scenario),
            {"environment": PROD, "released_scenario": scenario},
        )
        return store_copy(self._settings, source, PROD, gate, **place)
