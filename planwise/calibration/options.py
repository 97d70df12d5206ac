"""A calibration as other commands take it: options, and a YAML file of levers and assumptions."""

from typing import Any

import yaml

from planwise.calibration.estimate import Calibration


def options(calibration: Calibration) -> list[str]:
    """Return `--set name=value` and `--assume name=value`, one per parameter."""
    return [
        *(f"--set {name}={value}" for name, value in calibration.levers.items()),
        *(f"--assume {name}={value}" for name, value in calibration.assumptions.items()),
    ]


def parameters_yaml(calibration: Calibration) -> str:
    """Return the levers and assumptions as YAML, with a line on where they come from."""
    content: dict[str, Any] = {
        "levers": dict(calibration.levers),
        "assumptions": dict(calibration.assumptions),
    }
    return f"# {description(calibration)}\n{yaml.safe_dump(content, sort_keys=False)}"


def description(calibration: Calibration) -> str:
    """Return one line: from which censuses, over which time."""
    years = calibration.years
    return (
        f"Calibrated on {', '.join(year.name for year in years)} ({years[0].as_of} to {years[-1].as_of}), "
        f"{'all years' if calibration.basis == 'mean' else 'the last year'}."
    )
