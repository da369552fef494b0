"""Settings by halves are refused at once, and the missing half is named; settings that belong together are taken."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.bootstrap import open_rapport
from infra.cli.app import build
from infra.settings import WrongSettings, load

FILES = {
    "RAPPORT_KAFKA_CA_FILE",
    "RAPPORT_KAFKA_CERTIFICATE_FILE",
    "RAPPORT_KAFKA_KEY_FILE",
    "RAPPORT_KAFKA_KEY_PASSWORD_FILE",
    "RAPPORT_KAFKA_PASSWORD_FILE",
    "RAPPORT_NOTIFY_SECRET_FILE",
    "RAPPORT_SMTP_PASSWORD_FILE",
    "RAPPORT_ADDRESSES",
}
KAFKA = "KAFKA=localhost:9092 "
MAIL = "SMTP=smtp://h SMTP_FROM=a@b.example ADDRESSES=f "


def given(monkeypatch: pytest.MonkeyPatch, folder: Path, settings: str) -> None:
    """Set variables, named without their prefix; a file is made for each that names one."""
    for name, _, value in (f"RAPPORT_{setting}".partition("=") for setting in settings.split()):
        if name in FILES:
            (folder / value).touch()
        monkeypatch.setenv(name, str(folder / value) if name in FILES else value)


HALVES = [
    # SASL, for Kafka
    (KAFKA + "KAFKA_SASL=PLAIN KAFKA_USERNAME=u KAFKA_PASSWORD_FILE=f", ["KAFKA_SECURITY is PLAINTEXT", "SASL_SSL"]),
    (KAFKA + "KAFKA_SASL=PLAIN", ["KAFKA_SECURITY is PLAINTEXT"]),
    (KAFKA + "KAFKA_SASL=SCRAM-SHA-512 KAFKA_SECURITY=SSL", ["KAFKA_SECURITY is SSL", "SASL_SSL"]),
    (KAFKA + "KAFKA_USERNAME=u", ["KAFKA_USERNAME", "KAFKA_SECURITY"]),
    (KAFKA + "KAFKA_PASSWORD_FILE=f", ["KAFKA_PASSWORD_FILE", "KAFKA_SECURITY"]),
    (
        KAFKA + "KAFKA_SECURITY=SASL_SSL",
        ["RAPPORT_KAFKA_SASL and RAPPORT_KAFKA_USERNAME and RAPPORT_KAFKA_PASSWORD_FILE"],
    ),
    (KAFKA + "KAFKA_SECURITY=SASL_SSL KAFKA_USERNAME=u KAFKA_PASSWORD_FILE=f", ["set RAPPORT_KAFKA_SASL too"]),
    (
        KAFKA + "KAFKA_SECURITY=SASL_PLAINTEXT KAFKA_SASL=PLAIN KAFKA_USERNAME=u",
        ["set RAPPORT_KAFKA_PASSWORD_FILE too"],
    ),
    (KAFKA + "KAFKA_SECURITY=SASL_SSL KAFKA_SASL=PLAIN KAFKA_PASSWORD_FILE=f", ["set RAPPORT_KAFKA_USERNAME too"]),
    # TLS, for Kafka
    (KAFKA + "KAFKA_CA_FILE=f", ["KAFKA_CA_FILE", "KAFKA_SECURITY is PLAINTEXT", "SSL or SASL_SSL"]),
    (
        KAFKA + "KAFKA_CA_FILE=f KAFKA_SECURITY=SASL_PLAINTEXT KAFKA_SASL=PLAIN KAFKA_USERNAME=u KAFKA_PASSWORD_FILE=p",
        ["KAFKA_CA_FILE", "SASL_PLAINTEXT", "SASL_SSL"],
    ),
    (KAFKA + "KAFKA_SECURITY=SSL KAFKA_CERTIFICATE_FILE=f", ["set RAPPORT_KAFKA_KEY_FILE too"]),
    (KAFKA + "KAFKA_SECURITY=SSL KAFKA_KEY_FILE=f", ["set RAPPORT_KAFKA_CERTIFICATE_FILE too"]),
    (KAFKA + "KAFKA_SECURITY=SSL KAFKA_KEY_PASSWORD_FILE=f", ["set RAPPORT_KAFKA_KEY_FILE too"]),
    (KAFKA + "KAFKA_CERTIFICATE_FILE=c KAFKA_KEY_FILE=k", ["KAFKA_SECURITY is PLAINTEXT"]),
    (KAFKA + "KAFKA_CHECK_HOSTNAME=false", ["KAFKA_CHECK_HOSTNAME", "KAFKA_SECURITY is PLAINTEXT"]),
    # Security without a broker
    ("KAFKA_SECURITY=SSL", ["set RAPPORT_KAFKA too"]),
    ("KAFKA_SECURITY=SASL_SSL KAFKA_SASL=PLAIN KAFKA_USERNAME=u KAFKA_PASSWORD_FILE=f", ["set RAPPORT_KAFKA too"]),
    # E-mail
    ("SMTP=smtp://h ADDRESSES=f", ["set RAPPORT_SMTP_FROM too"]),
    ("SMTP=smtp://h", ["set RAPPORT_SMTP_FROM too"]),
    ("SMTP_FROM=a@b.example", ["set RAPPORT_SMTP too"]),
    ("SMTP_PASSWORD_FILE=f", ["set RAPPORT_SMTP too"]),
    ("SMTP_STARTTLS=always", ["set RAPPORT_SMTP too"]),
    ("ADDRESSES=f", ["set RAPPORT_SMTP too"]),
    (MAIL + "SMTP=smtp://u@h", ["set RAPPORT_SMTP_PASSWORD_FILE too"]),
    (MAIL + "SMTP_PASSWORD_FILE=f", ["RAPPORT_SMTP_PASSWORD_FILE would be ignored", "names no user"]),
    (MAIL + "SMTP=smtps://h SMTP_STARTTLS=never", ["RAPPORT_SMTP_STARTTLS would be ignored"]),
    # The webhook
    ("NOTIFY_WEBHOOK=https://example.org/", ["set RAPPORT_NOTIFY_SECRET_FILE too"]),
    ("NOTIFY_SECRET_FILE=f", ["set RAPPORT_NOTIFY_WEBHOOK too"]),
]


@pytest.mark.parametrize("settings, named", HALVES, ids=[settings for settings, _ in HALVES])
def test_a_half_is_refused_and_the_other_half_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: str, named: list[str]
) -> None:
    given(monkeypatch, tmp_path, settings)
    with pytest.raises(WrongSettings) as caught:
        load()
    assert all(part in str(caught.value) for part in named), caught.value


@pytest.mark.parametrize(
    "settings",
    [
        KAFKA,
        KAFKA + "KAFKA_SECURITY=PLAINTEXT KAFKA_CHECK_HOSTNAME=true",
        KAFKA + "KAFKA_SECURITY=SSL",
        KAFKA + "KAFKA_SECURITY=SSL KAFKA_CA_FILE=f KAFKA_CHECK_HOSTNAME=false",
        KAFKA + "KAFKA_SECURITY=SSL KAFKA_CERTIFICATE_FILE=c KAFKA_KEY_FILE=c KAFKA_KEY_PASSWORD_FILE=p",
        KAFKA + "KAFKA_SECURITY=SASL_PLAINTEXT KAFKA_SASL=PLAIN KAFKA_USERNAME=u KAFKA_PASSWORD_FILE=f",
        KAFKA + "KAFKA_SECURITY=SASL_SSL KAFKA_SASL=PLAIN KAFKA_USERNAME=u KAFKA_PASSWORD_FILE=f KAFKA_CA_FILE=f",
        "KAFKA_SECURITY=PLAINTEXT KAFKA_PREFIX=test. KAFKA_GROUP=rapport SMTP_STARTTLS=offered",
        MAIL,
        MAIL + "SMTP=smtp://u@h SMTP_PASSWORD_FILE=f SMTP_STARTTLS=always",
        MAIL + "SMTP=smtps://u@h SMTP_PASSWORD_FILE=f",
        "NOTIFY_WEBHOOK=https://example.org/ NOTIFY_SECRET_FILE=f " + MAIL,
    ],
)
def test_what_belongs_together_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: str) -> None:
    given(monkeypatch, tmp_path, settings)
    load()


@pytest.mark.parametrize(
    "command",
    [["consume"], ["publish"], ["work", "--once"], ["dead-letters", "list"], ["notifications", "retry", "--all"]],
)
def test_every_command_refuses_it_with_exit_2_before_it_opens_anything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    given(monkeypatch, tmp_path, KAFKA + "KAFKA_SASL=PLAIN KAFKA_USERNAME=u STORE=sqlite:///s.sqlite")
    done = CliRunner().invoke(build(), command)
    assert done.exit_code == 2
    assert "RAPPORT_KAFKA_SASL and RAPPORT_KAFKA_USERNAME would be ignored" in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "brokers",
    ["b:S3cr3tPw@h:9092", "SASL_SSL://h:9092", "h:port", "h 9092", "[::1:9092", "h:9092;i:9092", "h\x1b[2J:9092"],
)
def test_brokers_that_are_none_are_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, brokers: str) -> None:
    monkeypatch.setenv("RAPPORT_KAFKA", brokers)
    with pytest.raises(WrongSettings, match=r"RAPPORT_KAFKA: .*expected host:port") as refused:
        load()
    assert brokers not in str(refused.value)


@pytest.mark.parametrize(
    "brokers", ["localhost", "h:9092", "h_1:9092, 10.0.0.1:9093,", "[::1]:9092,my-host.example:9092"]
)
def test_brokers_in_all_their_forms_are_taken(monkeypatch: pytest.MonkeyPatch, brokers: str) -> None:
    monkeypatch.setenv("RAPPORT_KAFKA", brokers)
    assert load().kafka == brokers


@pytest.mark.parametrize("source", ["a b", "/größe", "http://[nowhere", "/rapport\n"])
def test_a_source_that_no_cloudevent_may_have_is_refused(tmp_path: Path, source: str) -> None:
    store = f"sqlite:///{tmp_path}/store.sqlite"
    with pytest.raises(WrongSettings, match=r"RAPPORT_SOURCE: expected a URI reference"):
        open_rapport(load(source=source, store=store)).__enter__()
    assert list(tmp_path.iterdir()) == []
    with open_rapport(load(source="/offices/north", store=store)) as rapport:
        assert rapport.settings.source == "/offices/north"


@pytest.mark.parametrize(
    "name, value, why",
    [
        ("RAPPORT_KAFKA_SECURITY", "TLS", "expected 'PLAINTEXT', 'SSL', 'SASL_PLAINTEXT' or 'SASL_SSL'"),
        ("RAPPORT_KAFKA_PASSWORD_FILE", "S3cr3tPw", "expected the path of a file that is there"),
        ("RAPPORT_KAFKA_SESSION_SECONDS", "0", "expected greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_is_told_in_plain_words_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, why: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings) as refused:
        load()
    assert str(refused.value).startswith(f"{name}: {why}")
    assert "S3cr3tPw" not in str(refused.value)
