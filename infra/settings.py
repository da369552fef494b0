"""What a person or a deployment may set, each as an environment variable `RAPPORT_…`; secrets come by file."""

from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BeforeValidator, Field, FilePath, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from infra.whole_settings import halves, variable


class WrongSettings(Exception):
    """A setting can't be understood; the message names it."""


def _iso(value: object) -> object:
    # A bare number would pass for seconds since 1970.
    return datetime.fromisoformat(value) if isinstance(value, str) else value


class Settings(BaseSettings):
    """`RAPPORT_STORE`, `RAPPORT_CLOCK` and so on; see the comments beside the fields. An empty variable is one that is not set."""

    model_config = SettingsConfigDict(env_prefix="RAPPORT_", frozen=True, extra="ignore", env_ignore_empty=True)

    # Where the record is: sqlite:///FILE or postgresql://USER@HOST/NAME.
    store: str = "sqlite:///rapport.sqlite"
    # From where and to where `rapport copy` copies, if its options don't say; without the first it copies from RAPPORT_STORE.
    copy_from: str | None = None
    copy_to: str | None = None
    # Bootstrap servers of Kafka, host:port with commas between.
    kafka: str | None = None
    # What stands before the names of all topics, and the consumer group of `rapport consume`.
    kafka_prefix: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,180}$")
    kafka_group: str = Field(default="rapport", min_length=1, max_length=200)
    # After how many seconds without a sign of life another process takes over: a consumer's partitions (brokers want 6
    # or more), a publisher's lease.
    kafka_session_seconds: float = Field(default=10.0, ge=1, le=300)
    # TLS and SASL, as kafka-python and the brokers name them; certificates and keys as PEM files, the password in a file.
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_ca_file: FilePath | None = None
    kafka_certificate_file: FilePath | None = None
    kafka_key_file: FilePath | None = None
    kafka_key_password_file: FilePath | None = None
    kafka_check_hostname: bool = True
    kafka_sasl: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    kafka_username: str | None = None
    kafka_password_file: FilePath | None = None
    # Ways out for notifications. A webhook: its URL, and a file with the secret that signs (whsec_…; several lines while it
    # is being changed). E-mail: smtp://[user@]host[:port] or smtps://…, the sender, and the user's password in a file.
    notify_webhook: str | None = None
    notify_secret_file: FilePath | None = None
    smtp: str | None = None
    smtp_from: str | None = None
    smtp_password_file: FilePath | None = None
    # TLS on smtp://: always, when the server offers it, or never.
    smtp_starttls: Literal["always", "offered", "never"] = "offered"
    # Who has which address, as TOML or JSON: "mentee:ana" = "ana@example.org".
    addresses: FilePath | None = None
    # How long one delivery may take, in seconds, and after how many failures a notification is a dead letter.
    notify_seconds: float = Field(default=20.0, gt=0, le=300)
    notify_attempts: int = Field(default=12, ge=1, le=100)
    # Who may send what, as TOML: [[sender]] tables with source, roles, programmes and key. Without it nobody is checked.
    senders: FilePath | None = None
    # The `source` of the CloudEvents that Rapport itself sends.
    source: str = Field(default="/rapport", min_length=1, max_length=500)
    # Logs: how much, and as JSON or as text (by default text on a terminal, JSON elsewhere).
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "text"] | None = None
    # A fixed time with its offset, instead of the machine's clock.
    clock: Annotated[AwareDatetime, BeforeValidator(_iso)] | None = None
    # Let a fixed clock write to a store that the machine's clock wrote; the store keeps a mark of it.
    clock_force: bool = False
    # SQLite's promise at a commit: full survives a power cut, normal may lose the last commits to one, off is for tests.
    synchronous: Literal["full", "normal", "off"] = "full"
    # How long to wait for another process that holds the store, in seconds.
    lock_timeout: float = Field(default=30.0, gt=0, le=3600)
    # How many subjects (relationships, mentors, programmes) are kept in memory, some 10 KB each; let those alive at a time fit.
    cache: int = Field(default=4000, ge=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        defaults = type(self).model_fields
        given = {name: value for name, value in self if value not in {defaults[name].default, ""}}
        if found := list(halves(given)):
            raise ValueError("; ".join(found))
        return self

    @property
    def store_is_named(self) -> bool:
        """Whether somebody chose the store; else it is the file of the working folder."""
        return "store" in self.model_fields_set and self.store != ""


def load() -> Settings:
    """The settings of this process. Raises `WrongSettings`."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = [
            # What is wrong with one setting is named; what is wrong with several names them itself.
            f"{variable(str(found['loc'][0]))}: {found['msg']}" if found["loc"] else str(found["ctx"]["error"])
            for found in error.errors()
        ]
        raise WrongSettings("; ".join(wrong)) from None


def unknown(variables: Iterable[str]) -> dict[str, str | None]:
    """The variables among these that begin like a setting and are none, each with the setting that it may have meant."""
    known = [f"RAPPORT_{field.upper()}" for field in Settings.model_fields]
    strange = sorted(name for name in variables if name.upper().startswith("RAPPORT_") and name.upper() not in known)
    return {name: next(iter(get_close_matches(name.upper(), known, 1, 0.75)), None) for name in strange}
