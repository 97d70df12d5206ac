"""Exit rates by exposure and by finer bands: stored scenarios keep what their own values meant."""

import logging
from math import log1p

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

LOG = logging.getLogger("planwise.ledger")
NEW_HIRES = "new_hire_termination_rate"
HIGHEST_YEARLY = 0.9  # the bound of the rate
HALVINGS, DECIMALS = 60, 6
# Each earlier band, and those of now that have most of its years.
BANDS = {
    "tenure_1_to_2": ("tenure_1", "tenure_2"),
    "tenure_3_to_5": ("tenure_3_to_4", "tenure_5_to_6"),
    "tenure_6_to_10": ("tenure_7_to_9",),
    "tenure_over_10": (
        *("tenure_10_to_14", "tenure_15_to_19", "tenure_20_to_24", "tenure_25_to_29"),
        *("tenure_30_to_34", "tenure_over_34"),
    ),
    "age_55_to_64": ("age_55_to_59", "age_60_to_61", "age_62_to_64"),
    "age_over_64": ("age_65_to_69", "age_over_69"),
}
SCENARIO = sa.table("scenario", sa.column("name", sa.String), sa.column("overrides", sa.JSON))


def upgrade() -> None:
    """Write the values of stored scenarios under the bands and in the meaning of now, and report it.

    The share of hires who left in the year of the hire becomes the share within twelve months that gives it.
    """
    connection = op.get_bind()
    changed = []
    for name, overrides in connection.execute(sa.select(SCENARIO)).all():
        new = {key: value for old, own in overrides.items() for key, value in _translated(old, own).items()}
        if new != overrides:
            update = sa.update(SCENARIO).where(SCENARIO.c.name == name)
            connection.execute(update.values(overrides=dict(sorted(new.items()))))
            changed.append(name)
    if changed:
        LOG.warning(
            "Exit rates have finer bands, and those of hires are within twelve months: %d stored scenarios "
            "were changed to the same rates. Simulate again: turnover now follows from who is there.",
            len(changed),
        )


def _translated(key: str, value: object) -> dict[str, object]:
    name = key.partition("@")[0]
    if name == NEW_HIRES and isinstance(value, int | float):
        return {key: round(yearly_rate(float(value)), DECIMALS)}
    for earlier, now in BANDS.items():
        for hazard in ("termination", "promotion"):
            if name == f"{hazard}_multiplier_{earlier}":
                return {f"{hazard}_multiplier_{band}": value for band in now}
    return {key: value}


def yearly_rate(same_year: float) -> float:
    """Return the share within twelve months, at most 0.9, whose share in the year of the hire is given."""
    low, high = 0.0, HIGHEST_YEARLY
    for _ in range(HALVINGS if same_year > 0 else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 + middle / log1p(-middle) < same_year else (low, middle)
    return high if same_year > 0 else 0.0


def downgrade() -> None:
    """Keep what was written: earlier versions have no such bands to go back to."""
