"""What a person or a deployment may set, each as an environment variable `RAPPORT_…`; secrets come by file."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class WrongSettings(Exception):
    """A setting can't be understood; the message names it."""


def _iso(value: object) -> object:
    # A bare number would pass for seconds since 1970.
    return datetime.fromisoformat(value) if isinstance(value, str) else value


class Settings(BaseSettings):
    """`RAPPORT_STORE`, `RAPPORT_CLOCK` and so on; see the comments beside the fields."""

    model_config = SettingsConfigDict(env_prefix="RAPPORT_", frozen=True, extra="ignore")

    # Where the record is: sqlite:///FILE or postgresql://USER@HOST/NAME.
    store: str = "sqlite:///rapport.sqlite"
    # Bootstrap servers of Kafka, host:port with commas between.
    kafka: str | None = None
    # A fixed time with its offset, instead of the machine's clock.
    clock: Annotated[AwareDatetime, BeforeValidator(_iso)] | None = None
    # SQLite's promise at a commit: full survives a power cut, normal may lose the last commits to one, off is for tests.
    synchronous: Literal["full", "normal", "off"] = "full"
    # How long to wait for another process that holds the store, in seconds.
    lock_timeout: float = Field(default=30.0, gt=0, le=3600)
    # How many subjects' states are kept in memory.
    cache: int = Field(default=20_000, ge=1)


def load() -> Settings:
    """The settings of this process. Raises `WrongSettings`."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = [f"RAPPORT_{str(found['loc'][0]).upper()}: {found['msg']}" for found in error.errors()]
        raise WrongSettings("; ".join(wrong)) from None
