"""What all request and answer models have in common."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.answers import encode
from telemetry import format_utc


class Given(BaseModel):
    """A request body: unknown keys are refused, numbers are finite, and texts are what UTF-8 can carry."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _can_be_kept(cls, given: object) -> object:
        """JSON may name half a surrogate pair, which no database and no answer could carry."""
        try:
            encode(given)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError("holds something that is neither text nor a number") from error
        return given


class Shown(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Declared(StrEnum):
    """Who rules over a gateway or device."""

    FILE = "file"
    """A configuration file, here or at the gateway: change it there."""
    API = "api"


class ProblemShape(Shown):
    """RFC 9457 problem details."""

    type: str = Field(examples=["urn:haidang:problem:not-found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="What is wrong and what to do.")
    instance: str = Field(examples=["/api/v1/devices/quay-power"])
    errors: list[dict[str, str]] = Field(default=[], description="Each wrong `where`, with its `detail`.")
    parts: dict[str, str] = Field(default={}, description="For 503: how each part of the platform is.")


def time_or_none(nanoseconds: int | None) -> str | None:
    """RFC 3339 UTC of a time that may not be known."""
    return None if nanoseconds is None else format_utc(nanoseconds)
