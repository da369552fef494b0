"""Files that settings name: with a byte order mark, with spaces, empty; and settings that are empty or misspelt."""

from pathlib import Path

import pytest

from infra.configured_file import read_secret, read_text
from infra.kafka.clients import NoKafka, connection
from infra.notifications.addresses import read_addresses
from infra.notifications.mail import server_of
from infra.notifications.webhook import read_secrets
from infra.settings import Settings, WrongSettings, load, unknown
from tests.infra.notifications.notes import SECRET

BOM = b"\xef\xbb\xbf"


def mail(password_file: Path) -> Settings:
    addresses = password_file.with_name("addresses.toml")
    addresses.touch()
    return Settings(
        smtp="smtp://u@localhost", smtp_from="r@example.org", smtp_password_file=password_file, addresses=addresses
    )


def kafka(password_file: Path) -> Settings:
    return Settings(
        kafka="localhost:1",
        kafka_security="SASL_SSL",
        kafka_sasl="PLAIN",
        kafka_username="u",
        kafka_password_file=password_file,
    )


@pytest.mark.parametrize(
    "text, secret",
    [(b" pw \n", " pw "), (b"pw", "pw"), (b"pw\r\n", "pw"), (BOM + b"pw\n", "pw"), (b"\tp\xc3\xa4 w\n", "\tpä w")],
)
def test_only_the_line_end_is_taken_off_a_secret(tmp_path: Path, text: bytes, secret: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(text)
    assert read_secret(file, "RAPPORT_X") == secret


@pytest.mark.parametrize("text", [b"", b"\n", b"\r\n", BOM, BOM + b"\n", b"\npw\n", b"pw\nrest", b"pw\xff"])
def test_a_secret_that_is_none_is_refused_by_the_name_of_its_setting(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "secret"
    file.write_bytes(text)
    with pytest.raises(WrongSettings, match="RAPPORT_X") as caught:
        read_secret(file, "RAPPORT_X")
    assert "pw" not in str(caught.value).replace(str(file), "")
    with pytest.raises(NoKafka, match="RAPPORT_KAFKA_PASSWORD_FILE"):
        connection(kafka(file))
    with pytest.raises(WrongSettings, match="RAPPORT_SMTP_PASSWORD_FILE"):
        server_of(mail(file))


def test_kafka_and_smtp_read_a_password_alike(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(BOM + b" pw \n")
    assert connection(kafka(file))["sasl_plain_password"] == " pw "
    assert server_of(mail(file)).password == " pw "


def test_a_byte_order_mark_is_no_part_of_any_file(tmp_path: Path) -> None:
    for name, text in {
        "a.toml": b'"mentee:ana" = "ana@example.org"\n',
        "a.json": b'{"mentee:ana": "ana@example.org"}',
    }.items():
        (tmp_path / name).write_bytes(BOM + text)
        assert read_addresses(tmp_path / name) == {"mentee:ana": "ana@example.org"}
    (tmp_path / "whsec").write_bytes(BOM + SECRET.encode())
    assert len(read_secrets(tmp_path / "whsec")) == 1
    with pytest.raises(WrongSettings, match="RAPPORT_X"):
        read_text(tmp_path / "nowhere", "RAPPORT_X")


@pytest.mark.parametrize("field", list(Settings.model_fields))
def test_an_empty_variable_is_one_that_is_not_set(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    default = getattr(load(), field)
    monkeypatch.setenv(f"RAPPORT_{field.upper()}", "")
    assert getattr(load(), field) == default


def test_a_misspelt_variable_is_told_with_what_it_may_mean() -> None:
    found = unknown(["RAPPORT_STROE", "RAPPORT_STORE", "rapport_clock", "RAPPORT_NOTHING_LIKE_IT", "PATH"])
    assert found == {"RAPPORT_STROE": "RAPPORT_STORE", "RAPPORT_NOTHING_LIKE_IT": None}
