"""Defaults of 2026: stored scenarios and levers in force keep the defaults that they were made with."""

import logging
from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LOG = logging.getLogger("planwise.ledger")
KEPT = "earlier_defaults"
DESCRIPTION = "The defaults before those of 2026: the figures of the baseline until then."
LEVERS: dict[str, float] = {
    "cola_rate": 0.025,
    "promotion_probability_level_3": 0.07,
    "promotion_probability_level_4": 0.05,
    **{f"promotion_raise_level_{level}": 0.085 for level in (1, 2, 3, 4)},
}
ASSUMPTIONS: dict[str, float | bool | str | None] = {
    "new_hire_termination_rate": 0.25,
    "range_adjustment": None,
    "promotion_raise_max": None,
    "range_maximum_cap": False,
    **{
        f"merit_multiplier_quartile_{position}": 1.0
        for position in ("below_range", "1", "2", "3", "4", "above_range")
    },
}
SCENARIO = sa.table(
    "scenario",
    sa.column("name", sa.String),
    sa.column("census", sa.String),
    sa.column("overrides", sa.JSON),
    sa.column("description", sa.Text),
    sa.column("created_at", sa.DateTime(timezone=True)),
    sa.column("created_by", sa.String),
)
IN_FORCE = sa.table(
    "dynamic_lever",
    sa.column("parameter", sa.String),
    sa.column("year", sa.Integer),
    sa.column("value", sa.Float),
    sa.column("set_at", sa.DateTime(timezone=True)),
    sa.column("set_by", sa.String),
)
RUN = sa.table("simulation_run", sa.column("id", sa.Integer))


def upgrade() -> None:
    """Write the earlier defaults into what is stored, and report it; a new ledger stores nothing yet.

    Levers in force are completed with the earlier default of each lever that they do not set in all years, so
    that scenarios find them there. Where none is in force, each scenario gets its own. One further scenario
    has all earlier defaults, for the baseline's figures.
    """
    connection = op.get_bind()
    scenarios = connection.execute(sa.select(SCENARIO.c.name, SCENARIO.c.overrides)).all()
    in_force = connection.execute(sa.select(IN_FORCE)).all()
    has_run = connection.execute(sa.select(RUN.c.id).limit(1)).first() is not None
    if not (scenarios or in_force or has_run):
        return
    now = sa.func.current_timestamp()
    if in_force:
        for name in _missing(LEVERS, (row.parameter for row in in_force if row.year is None)):
            values = {"parameter": name, "value": LEVERS[name], "set_at": now, "set_by": KEPT}
            connection.execute(sa.insert(IN_FORCE).values(values))
    earlier = ASSUMPTIONS if in_force else {**LEVERS, **ASSUMPTIONS}
    for name, overrides in scenarios:
        kept = {key: earlier[key] for key in _missing(earlier, overrides)}
        update = sa.update(SCENARIO).where(SCENARIO.c.name == name)
        connection.execute(update.values(overrides=dict(sorted({**overrides, **kept}.items()))))
    if KEPT not in {name for name, _ in scenarios}:
        values = {"name": KEPT, "overrides": earlier, "description": DESCRIPTION, "created_at": now}
        connection.execute(sa.insert(SCENARIO).values({**values, "created_by": KEPT}))
    LOG.warning(
        "PlanWise has new defaults. The %d stored scenarios keep the earlier ones, and so their figures; the "
        "scenario %s has them too, for the baseline's earlier figures.",
        len(scenarios),
        KEPT,
    )


def _missing(earlier: Iterable[str], there: Iterable[str]) -> list[str]:
    found = set(there)
    return [name for name in earlier if name not in found]


def downgrade() -> None:
    """Keep what was written: each value was in force before it, too."""
