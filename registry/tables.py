"""The registry's tables. Times are UTC nanoseconds since 1970-01-01T00:00:00Z.

A change here needs a migration in registry/migrations/versions; a test compares the two.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, MetaData, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Nanoseconds = BigInteger
RowNumber = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column of type INTEGER."""


class Table(DeclarativeBase):
    """Base of every table; constraints have names so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class GatewayRow(Table):
    """A gateway. `config_version` grows with every change of its devices."""

    __tablename__ = "gateways"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    site: Mapped[str]
    config_version: Mapped[int]
    created_at: Mapped[int] = mapped_column(Nanoseconds)
    changed_at: Mapped[int] = mapped_column(Nanoseconds)


class DeviceRow(Table):
    """A device; the fields of telemetry.Device and the gateway that reads it."""

    __tablename__ = "devices"

    id: Mapped[str] = mapped_column(primary_key=True)
    gateway: Mapped[str] = mapped_column(ForeignKey("gateways.id", ondelete="RESTRICT"), index=True)
    profile: Mapped[str]
    link: Mapped[str]
    name: Mapped[str]
    every: Mapped[float | None]
    unit_id: Mapped[int]
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[int] = mapped_column(Nanoseconds)
    changed_at: Mapped[int] = mapped_column(Nanoseconds)


class IncidentRow(Table):
    """What became of a rule's firings for one device; at most one that is not closed for each pair."""

    __tablename__ = "incidents"
    __table_args__ = (
        Index(
            "uq_incidents_unclosed",
            "rule_id",
            "device",
            unique=True,
            sqlite_where=text("state != 'closed'"),
            postgresql_where=text("state != 'closed'"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    rule_id: Mapped[str]
    device: Mapped[str]
    severity: Mapped[str]
    title_en: Mapped[str]
    title_vi: Mapped[str]
    detail_en: Mapped[str]
    detail_vi: Mapped[str]
    value: Mapped[float]
    notify: Mapped[list[str]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(index=True)
    firings: Mapped[int]
    repeats: Mapped[int]
    note: Mapped[str]
    acknowledged_by: Mapped[str | None]
    opened_at: Mapped[int] = mapped_column(Nanoseconds)
    last_fired_at: Mapped[int] = mapped_column(Nanoseconds)
    cleared_at: Mapped[int | None] = mapped_column(Nanoseconds)
    acknowledged_at: Mapped[int | None] = mapped_column(Nanoseconds)
    notified_at: Mapped[int] = mapped_column(Nanoseconds)
    changed_at: Mapped[int] = mapped_column(Nanoseconds)


class NotificationRow(Table):
    """A message to one contact about one incident, from the decision to send it until its end."""

    __tablename__ = "notifications"
    __table_args__ = (
        Index("ix_notifications_state_next_attempt_at", "state", "next_attempt_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id", ondelete="CASCADE"), index=True)
    contact: Mapped[str]
    cause: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int]
    channel: Mapped[int]
    last_error: Mapped[str]
    next_attempt_at: Mapped[int] = mapped_column(Nanoseconds)
    created_at: Mapped[int] = mapped_column(Nanoseconds)
    changed_at: Mapped[int] = mapped_column(Nanoseconds)


class CommandRow(Table):
    """A command as it was given, written before it is sent, and how it ended once that is known.

    `number` orders them; `id` is what travels. `replied_at` is null while there is no reply.
    """

    __tablename__ = "commands"
    __table_args__ = (
        Index("uq_commands_id", "id", unique=True),
        Index("ix_commands_device_number", "device", "number"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    id: Mapped[str]
    device: Mapped[str]
    gateway: Mapped[str]
    action: Mapped[str]
    asked_by: Mapped[str]
    asked_from: Mapped[str]
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    asked_at: Mapped[int] = mapped_column(Nanoseconds)
    expires_at: Mapped[int] = mapped_column(Nanoseconds)
    replied_at: Mapped[int | None] = mapped_column(Nanoseconds)
    reason: Mapped[str]
    detail: Mapped[str]
    reply_values: Mapped[dict[str, Any]] = mapped_column(JSON)
