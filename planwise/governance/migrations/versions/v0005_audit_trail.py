"""The audit trail, roles and proposals; what the ledger has already is the chain's first event."""

import sqlalchemy as sa
from alembic import op

from planwise.governance.verifier import FIRST

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

REFUSED = "The audit trail only grows: events cannot be changed or deleted."
ABORT = f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
CONTINUES = (
    "EXISTS (SELECT 1 FROM event_head AS head WHERE NEW.sequence = head.sequence + 1 "
    "AND NEW.previous_hash = head.hash)"
)
FOLLOWS = (
    "NEW.id = OLD.id AND EXISTS (SELECT 1 FROM event WHERE event.sequence = OLD.sequence + 1 "
    "AND event.sequence = NEW.sequence AND event.hash = NEW.hash)"
)
SQLITE = (
    f"CREATE TRIGGER event_update BEFORE UPDATE ON event {ABORT}",
    f"CREATE TRIGGER event_delete BEFORE DELETE ON event {ABORT}",
    f"CREATE TRIGGER event_insert BEFORE INSERT ON event WHEN NOT {CONTINUES} {ABORT}",
    f"CREATE TRIGGER event_head_update BEFORE UPDATE ON event_head WHEN NOT ({FOLLOWS}) {ABORT}",
    f"CREATE TRIGGER event_head_delete BEFORE DELETE ON event_head {ABORT}",
    f"CREATE TRIGGER event_head_insert BEFORE INSERT ON event_head {ABORT}",
)
FUNCTIONS = {
    "event_refuse": f"BEGIN RAISE EXCEPTION '{REFUSED}'; END",
    "event_continues": f"BEGIN IF {CONTINUES} THEN RETURN NEW; END IF; RAISE EXCEPTION '{REFUSED}'; END",
    "event_head_follows": f"BEGIN IF {FOLLOWS} THEN RETURN NEW; END IF; RAISE EXCEPTION '{REFUSED}'; END",
}
POSTGRESQL = (
    *(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
        for name, body in FUNCTIONS.items()
    ),
    *(
        f"CREATE TRIGGER {name} BEFORE {when} FOR EACH {each} EXECUTE FUNCTION {function}()"
        for name, when, each, function in (
            ("event_update", "UPDATE ON event", "ROW", "event_refuse"),
            ("event_delete", "DELETE ON event", "ROW", "event_refuse"),
            ("event_truncate", "TRUNCATE ON event", "STATEMENT", "event_refuse"),
            ("event_insert", "INSERT ON event", "ROW", "event_continues"),
            ("event_head_update", "UPDATE ON event_head", "ROW", "event_head_follows"),
            ("event_head_delete", "DELETE ON event_head", "ROW", "event_refuse"),
            ("event_head_insert", "INSERT ON event_head", "ROW", "event_refuse"),
            ("event_head_truncate", "TRUNCATE ON event_head", "STATEMENT", "event_refuse"),
        )
    ),
)


def upgrade() -> None:
    """Create the tables and the triggers that refuse changes."""
    op.create_table(
        "event",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("role", sa.String(48), nullable=False),
        sa.Column("type", sa.String(48), nullable=False),
        sa.Column("scenario", sa.String(48)),
        sa.Column("subject", sa.Text()),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_event"),
    )
    op.create_index("ix_event_at", "event", ["at"])
    op.create_index("ix_event_scenario", "event", ["scenario"])
    head = op.create_table(
        "event_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event_head"),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": 0, "hash": FIRST}])
    op.create_table(
        "user_role",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(48), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_user_role"),
    )
    op.create_table(
        "proposal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scenario", sa.String(48), nullable=False),
        sa.Column("status", sa.String(48), nullable=False),
        sa.Column("binding", sa.JSON(), nullable=False),
        sa.Column("authors", sa.JSON(), nullable=False),
        sa.Column("submitted_by", sa.String(200), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rationale", sa.Text(), nullable=False),
        sa.Column("study", sa.Text()),
        sa.Column("assessment", sa.JSON(), nullable=False),
        sa.Column("approvals_needed", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("closed_reason", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_proposal"),
    )
    op.create_index("ix_proposal_scenario", "proposal", ["scenario"])
    op.create_table(
        "review",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(48), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_review"),
    )
    op.create_index("ix_review_proposal", "review", ["proposal"])
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """Drop the tables, and with them their triggers."""
    for table in ("review", "proposal", "user_role", "event_head", "event"):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        for name in FUNCTIONS:
            op.execute(f"DROP FUNCTION {name}()")
