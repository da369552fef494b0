"""The settings of Rapport: environment variables `RAPPORT_…`. Secrets come from files."""

import re
from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, FilePath, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from infra.whole_settings import halves, variable


class WrongSettings(Exception):
    """A setting can't be understood; the message names it."""


def _iso(value: object) -> object:
    # A bare number would pass for seconds since 1970.
    return datetime.fromisoformat(value) if isinstance(value, str) else value


_BROKER: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:[0-9]{1,5})?")


def _brokers(text: str) -> str:
    # What stands there is not repeated: it may be an address with a password.
    if not all(_BROKER.fullmatch(server.strip()) for server in text.split(",") if server.strip()):
        raise ValueError(
            "expected host:port, several separated by commas; users and passwords have settings of their own"
        )
    return text


class Settings(BaseSettings):
    """The settings: field `store` is the variable `RAPPORT_STORE`, and so on. An empty variable counts as not set.

    The descriptions are the reference page `docs/reference/settings.md`.
    """

    model_config = SettingsConfigDict(env_prefix="RAPPORT_", frozen=True, extra="ignore", env_ignore_empty=True)

    store: str = Field(
        default="sqlite:///rapport.sqlite",
        description="The record: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`. The default is a file in the working folder.",
    )
    copy_from: str | None = Field(
        default=None,
        description="The store that `rapport copy` reads when `--from` is not given. Without either it reads RAPPORT_STORE.",
    )
    copy_to: str | None = Field(
        default=None, description="The store that `rapport copy` writes to when `--to` is not given."
    )
    keys: str | None = Field(
        default=None,
        description="The database of the keys that seal content, apart from the store: `sqlite:///FILE` or "
        "`postgresql://USER@HOST/NAME`. A store on SQLite has them in `FILE.keys` by default, a PostgreSQL on this machine in "
        "the user's data folder; any other needs this setting.",
    )
    master_key_file: Path | None = Field(
        default=None,
        description="File with the master key that wraps the keys, readable by its owner alone. By default beside the keys, "
        "where it is made at first use.",
    )
    signing_key_file: Path | None = Field(
        default=None,
        description="File with the key that signs checkpoints, readable by its owner alone. By default beside the file of a store "
        "on SQLite, in the user's data folder for a PostgreSQL on this machine, where it is made at first use; for any other "
        "checkpoints need this setting.",
    )
    checkpoints: str | None = Field(
        default=None,
        description="File or folder outside the database that checkpoints are written to by `rapport work`, `serve` and "
        "`audit checkpoint`: a file has the newest, a folder (one that exists, or a name that ends with /) all of them. "
        "`rapport audit verify` holds the record against them.",
    )
    checkpoint_seconds: float = Field(
        default=300.0, gt=0, le=86_400, description="Seconds between two checkpoints of `rapport work` and `serve`."
    )
    timestamp_url: str | None = Field(
        default=None,
        description="Address of a time stamp authority (RFC 3161) that stamps every checkpoint that is kept: the stamp is beside it, "
        "with `.tsr` at the end of the name.",
    )
    timestamp_roots: Path | None = Field(
        default=None,
        description="File of PEM certificates by which `rapport audit verify` trusts time stamps; without it their time is told, and not "
        "vouched for.",
    )
    kafka: Annotated[str, AfterValidator(_brokers)] | None = Field(
        default=None, description="Bootstrap servers of Kafka, `host:port`, separated by commas."
    )
    kafka_prefix: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]{0,180}$",
        description="A prefix for the names of all topics and of the consumer group, for several installations on one broker.",
    )
    kafka_group: str = Field(
        default="rapport", min_length=1, max_length=200, description="The consumer group of `rapport consume`."
    )
    kafka_session_seconds: float = Field(
        default=10.0,
        ge=1,
        le=300,
        description="Seconds without a sign of life after which another process takes over a consumer's partitions or a "
        "publisher's lease. Brokers usually accept 6 or more.",
    )
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="The security protocol that the brokers speak."
    )
    kafka_ca_file: FilePath | None = Field(
        default=None, description="PEM file of the authority that signed the brokers' certificates."
    )
    kafka_certificate_file: FilePath | None = Field(default=None, description="PEM file of the client's certificate.")
    kafka_key_file: FilePath | None = Field(
        default=None,
        description="PEM file of the client's key. Name the certificate's file again if it holds both.",
    )
    kafka_key_password_file: FilePath | None = Field(
        default=None, description="File with the password of the client's key."
    )
    kafka_check_hostname: bool = Field(
        default=True, description="Whether a broker's certificate must name the host that was asked for."
    )
    kafka_sasl: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        default=None, description="The SASL mechanism."
    )
    kafka_username: str | None = Field(default=None, description="The user name for SASL.")
    kafka_password_file: FilePath | None = Field(default=None, description="File with the password for SASL.")
    kafka_encrypted: bool = Field(
        default=False,
        description="Whether `rapport consume` takes only messages whose `data` the sender encrypted to the key that "
        "`rapport keys show --public` prints. Others become dead letters.",
    )
    encryption_key_file: Path | None = Field(
        default=None,
        description="File with the private keys that open such data (a JWK Set), readable by its owner alone. The default is "
        "`FILE.encryption-key` beside a store on SQLite, and for PostgreSQL a file in the user's data folder.",
    )
    notify_webhook: str | None = Field(default=None, description="The URL that notifications are posted to.")
    notify_secret_file: FilePath | None = Field(
        default=None,
        description="File with the secret that signs webhook requests (`whsec_…`). While you change it, put the old and "
        "the new one on a line each: both sign.",
    )
    smtp: str | None = Field(default=None, description="The mail server: `smtp://[user@]host[:port]` or `smtps://…`.")
    smtp_from: str | None = Field(default=None, description="The sender of e-mails.")
    smtp_password_file: FilePath | None = Field(
        default=None, description="File with the password of the user that RAPPORT_SMTP names."
    )
    smtp_starttls: Literal["always", "offered", "never"] = Field(
        default="offered",
        description="When `smtp://` switches to TLS: always, when the server offers it, or never.",
    )
    addresses: FilePath | None = Field(
        default=None,
        description='TOML or JSON file with e-mail addresses: `"mentee:ana" = "ana@example.org"`. It comes before the addresses in '
        "people's own entries, and gives one to a whole role.",
    )
    notify_seconds: float = Field(default=20.0, gt=0, le=300, description="Seconds that one delivery may take.")
    notify_attempts: int = Field(
        default=12, ge=1, le=100, description="Failures after which a notification is given up (`dead`)."
    )
    webhook_networks: str = Field(
        default="127.0.0.0/8,::1/128",
        description="Networks that subscribers to facts (webhooks) may have their addresses in, beside the public Internet over https: "
        "such as `10.1.0.0/16`, separated by commas; http is allowed there. `none`: no other.",
    )
    webhook_days: float = Field(
        default=3.0, gt=0, le=365, description="Days after which a webhook that took nothing is disabled."
    )
    senders: FilePath | None = Field(
        default=None,
        description="TOML file of `[[sender]]` tables: which source may send for which roles and programmes, and with "
        "which key. Without it every source may send for every role but worker, analyst and auditor.",
    )
    token_keys: str | None = Field(
        default=None,
        description="The keys that sign the tokens of callers over HTTP: a JWKS, as a file or an https URL. Without it a local "
        "key does, which `rapport token issue` uses.",
    )
    token_issuer: str | None = Field(
        default=None,
        description="The `iss` that tokens must have. Unset, it is `rapport` for the local key, and any with RAPPORT_TOKEN_KEYS.",
    )
    failed_token_rate: str = Field(
        default="600/minute",
        description="How many requests with a token that does not hold one address may make of a server process; more are answered 429.",
    )
    token_rate: str = Field(
        default="5000/second",
        description="How many requests one token may make of a server process, such as `100/second` or `5000/minute`; more are "
        "answered 429.",
    )
    token_key_file: Path | None = Field(
        default=None,
        description="PEM file of the local Ed25519 key that signs tokens, readable by its owner alone. The default is "
        "`FILE.token-key` beside a store on SQLite, and for PostgreSQL a file in the user's data folder.",
    )
    session_key_file: Path | None = Field(
        default=None,
        description="File with the key that signs the sessions of people who look at pages, readable by its owner alone. By default "
        "beside the local key of tokens, where it is made at first use. Processes that serve one address need the same.",
    )
    public_url: str | None = Field(
        default=None,
        description="The address at which people reach the pages, such as `https://rapport.example.org`: the issuer of sign-ins sends them back "
        "there, and notifications by e-mail lead there. Needed for signing in at an issuer from any other machine.",
    )
    openid_issuer: str | None = Field(
        default=None,
        description="The issuer at which people sign in to the pages (OpenID Connect), as it calls itself, an https URL.",
    )
    openid_client: str | None = Field(default=None, description="The client id that the issuer knows Rapport by.")
    openid_secret_file: FilePath | None = Field(default=None, description="File with the client's secret.")
    openid_scope: str = Field(
        default="openid profile",
        description="What is asked of the issuer. The ID token has to have `roles` and `programmes` as tokens of callers do.",
    )
    sign_in_rate: str = Field(
        default="30/minute",
        description="How often one address may try to sign in at a server process; more is answered 429.",
    )
    demo_persons: FilePath | None = Field(
        default=None,
        description="TOML file of `[[person]]` tables (`id`, `name`, `roles`, `about?`, `programmes?`): anybody who reaches the "
        "server may sign in as one of them, without a password. For trying Rapport out on one's own machine alone.",
    )
    source: str = Field(
        default="/rapport",
        min_length=1,
        max_length=500,
        description="The `source` of the receipts and facts that Rapport sends, a URI reference.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe level that is logged."
    )
    log_format: Literal["json", "text"] | None = Field(
        default=None, description="The form of log lines. Unset, it is text on a terminal and JSON elsewhere."
    )
    clock: Annotated[AwareDatetime, BeforeValidator(_iso)] | None = Field(
        default=None, description="A fixed time with its offset, used instead of the machine's clock."
    )
    clock_force: bool = Field(
        default=False,
        description="Let a fixed clock write to a store that the machine's clock has written. The store keeps a mark of it.",
    )
    synchronous: Literal["full", "normal", "off"] = Field(
        default="full",
        description="What an SQLite commit survives: `full` a power cut; `normal` may lose the last commits to one; `off` "
        "is for tests.",
    )
    lock_timeout: float = Field(
        default=30.0, gt=0, le=3600, description="Seconds to wait for another process that holds the store."
    )
    cache: int = Field(
        default=64,
        ge=1,
        le=1_000_000,
        description="MiB of memory for the states of relationships, mentors and programmes, some 5 to 30 KB each. Those that "
        "do not fit are read from their snapshots.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        defaults = type(self).model_fields
        given = {name: value for name, value in self if value not in {defaults[name].default, ""}}
        if found := list(halves(given)):
            raise ValueError("; ".join(found))
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given and the environment: there are no other files to look in, and looking costs every command time."""
        return init_settings, env_settings

    @property
    def store_is_named(self) -> bool:
        """Whether somebody chose the store; else it is the file of the working folder."""
        return "store" in self.model_fields_set and self.store != ""


def load(**given: Any) -> Settings:
    """Return the settings of this process; what is given by name stands before the environment.

    Raises:
        WrongSettings: A setting can't be understood, or lacks another one. The message names it.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        from domain.form import in_words

        wrong = [
            # What is wrong with one setting is named; what is wrong with several names them itself.
            f"{variable(str(found['loc'][0]))}: {in_words(found['type'], found['msg'], found['input'])[1]}"
            if found["loc"]
            else str(found["ctx"]["error"])
            for found in error.errors()
        ]
        raise WrongSettings("; ".join(wrong)) from None


def unknown(variables: Iterable[str]) -> dict[str, str | None]:
    """The variables among these that begin like a setting and are none, each with the setting that it may have meant."""
    known = [f"RAPPORT_{field.upper()}" for field in Settings.model_fields]
    strange = sorted(name for name in variables if name.upper().startswith("RAPPORT_") and name.upper() not in known)
    return {name: next(iter(get_close_matches(name.upper(), known, 1, 0.75)), None) for name in strange}
