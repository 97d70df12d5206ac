"""Releases and rollbacks."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(48), nullable=False),
        sa.Column("proposal", sa.Integer()),
        sa.Column("target", sa.String(48)),
        sa.Column("scenario", sa.String(48), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("levers", sa.JSON(), nullable=False),
        sa.Column("scenario_before", sa.String(48), nullable=False),
        sa.Column("fingerprint_before", sa.String(64), nullable=False),
        sa.Column("levers_before", sa.JSON(), nullable=False),
        sa.Column("released_before", sa.DateTime(timezone=True)),
        sa.Column("checkpoint", sa.String(48), nullable=False),
        sa.Column("state", sa.String(48), nullable=False),
        sa.Column("step", sa.String(48), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_release"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("release")
