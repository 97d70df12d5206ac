"""A release knows the home that makes it, and when its checkpoint was removed."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; a release of before is of the home that reads it."""
    with op.batch_alter_table("release") as table:
        table.add_column(sa.Column("home", sa.String(64), nullable=False, server_default=""))
        table.add_column(sa.Column("place", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("checkpoint_removed_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop the columns."""
    with op.batch_alter_table("release") as table:
        for name in ("checkpoint_removed_at", "place", "home"):
            table.drop_column(name)
