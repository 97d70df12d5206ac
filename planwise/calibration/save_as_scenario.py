"""Save a calibration as a scenario, bound to its last census."""

from planwise.calibration.estimate import Calibration
from planwise.calibration.report import description
from planwise.census import register_census
from planwise.census.registry import check_name
from planwise.errors import InputError
from planwise.governance import Scenario, open_ledger
from planwise.governance.scenarios import check_new_name
from planwise.settings import Settings

CENSUS_SUFFIX = "_census"


def save_as_scenario(settings: Settings, calibration: Calibration, name: str) -> Scenario:
    """Store the levers and assumptions as scenario `name` in the ledger and return it.

    It is bound to the last census. Unless that is a census of the home with the same levels, it is
    registered as `<name>_census`, without putting it in use. Raises InputError when the name is bad or taken.
    """
    check_new_name(name)
    last = calibration.years[-1]
    registered = last.ids_in_file is None and not calibration.scale.by_pay
    census = last.name if registered else check_name(f"{name}{CENSUS_SUFFIX}")
    with open_ledger(settings) as ledger:
        if name in {scenario.name for scenario in ledger.scenarios.list()}:
            raise InputError(
                f"The scenario {name} exists already.",
                remedy=f"Choose another name, or delete it: `planwise scenario delete {name}`.",
            )
        if not registered:
            register_census(
                settings,
                census,
                last.people.reset_index(),
                last.ranges,
                as_of=last.as_of,
                source={"kind": "calibration", "from": last.name},
                availability=dict(last.availability),
                levels_from=calibration.scale.rule,
                use=False,
            )
        return ledger.scenarios.create(
            name,
            {**calibration.levers, **calibration.assumptions},
            census=census,
            description=description(calibration),
        )
