"""First tables: scenarios, dynamic levers, simulation runs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "scenario",
        sa.Column("name", sa.String(48), nullable=False),
        sa.Column("census", sa.String(200)),
        sa.Column("overrides", sa.JSON(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("parent", sa.String(48)),
        sa.PrimaryKeyConstraint("name", name="pk_scenario"),
    )
    op.create_table(
        "dynamic_lever",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parameter", sa.String(200), nullable=False),
        sa.Column("year", sa.Integer()),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dynamic_lever"),
    )
    op.create_index(
        "uq_dynamic_lever_parameter_year",
        "dynamic_lever",
        ["parameter", sa.text("coalesce(year, 0)")],
        unique=True,
    )
    op.create_table(
        "simulation_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scenario", sa.String(48), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("environment", sa.String(200), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("models_run", sa.Integer(), nullable=False),
        sa.Column("models_reused", sa.Integer(), nullable=False),
        sa.Column("gate_status", sa.String(48), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("kpis", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_simulation_run"),
    )
    op.create_index("ix_simulation_run_scenario", "simulation_run", ["scenario"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("simulation_run", "dynamic_lever", "scenario"):
        op.drop_table(table)
