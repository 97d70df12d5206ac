"""Decisions of people on matches."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "match_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("matching", sa.String(48), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("city", sa.Text()),
        sa.Column("state", sa.Text()),
        sa.Column("matched_id", sa.Text()),
        sa.Column("matched_name", sa.Text()),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_match_decision"),
    )
    op.create_index("ix_match_decision_matching", "match_decision", ["matching"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("match_decision")
