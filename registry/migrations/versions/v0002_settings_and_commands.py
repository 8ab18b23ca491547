"""Settings of a device, and the ledger of commands."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Devices there are already have no settings of their own."""
    op.add_column("devices", sa.Column("settings", sa.JSON, nullable=False, server_default="{}"))
    op.create_table(
        "commands",
        sa.Column("number", _ROW_NUMBER, primary_key=True),
        *(
            sa.Column(name, sa.String, nullable=False)
            for name in ("id", "device", "gateway", "action", "asked_by", "asked_from")
        ),
        sa.Column("arguments", sa.JSON, nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("replied_at", sa.BigInteger, nullable=True),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("detail", sa.String, nullable=False),
        sa.Column("reply_values", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_commands_id", "commands", ["id"], unique=True)
    op.create_index("ix_commands_device_number", "commands", ["device", "number"])
