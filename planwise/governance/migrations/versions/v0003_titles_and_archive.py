"""Scenarios have a title, and can be archived."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; stored scenarios have no title and are not archived."""
    with op.batch_alter_table("scenario") as table:
        table.add_column(sa.Column("title", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("archived_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop the columns."""
    with op.batch_alter_table("scenario") as table:
        table.drop_column("archived_at")
        table.drop_column("title")
