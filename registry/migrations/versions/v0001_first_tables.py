"""First tables: gateways, devices, incidents, notifications."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Makes the tables."""
    _gateways_and_devices()
    _incidents()
    _notifications()


def _gateways_and_devices() -> None:
    op.create_table(
        "gateways",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("site", sa.String, nullable=False),
        sa.Column("config_version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "devices",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("gateway", sa.String, sa.ForeignKey("gateways.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("profile", sa.String, nullable=False),
        sa.Column("link", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("every", sa.Double, nullable=True),
        sa.Column("unit_id", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_devices_gateway", "devices", ["gateway"])


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        *(
            sa.Column(name, sa.String, nullable=False)
            for name in ("rule_id", "device", "severity", "title_en", "title_vi", "detail_en", "detail_vi")
        ),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("notify", sa.JSON, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("firings", sa.Integer, nullable=False),
        sa.Column("repeats", sa.Integer, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("acknowledged_by", sa.String, nullable=True),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("last_fired_at", sa.BigInteger, nullable=False),
        sa.Column("cleared_at", sa.BigInteger, nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger, nullable=True),
        sa.Column("notified_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_incidents_state", "incidents", ["state"])
    unclosed = sa.text("state != 'closed'")
    op.create_index(
        "uq_incidents_unclosed",
        "incidents",
        ["rule_id", "device"],
        unique=True,
        sqlite_where=unclosed,
        postgresql_where=unclosed,
    )


def _notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", _ROW_NUMBER, primary_key=True),
        sa.Column(
            "incident_id", _ROW_NUMBER, sa.ForeignKey("incidents.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("contact", sa.String, nullable=False),
        sa.Column("cause", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("channel", sa.Integer, nullable=False),
        sa.Column("last_error", sa.String, nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notifications_incident_id", "notifications", ["incident_id"])
    op.create_index("ix_notifications_state_next_attempt_at", "notifications", ["state", "next_attempt_at"])
