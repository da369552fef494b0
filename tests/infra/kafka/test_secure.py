"""TLS and SASL: the settings reach the broker; what keeps us out is told by the setting to look at."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from infra.kafka import clients
from infra.kafka.clients import KafkaTrouble, NoKafka
from infra.local.kafka import Kafka
from infra.local.ports import free_port
from infra.operations.outages import BEGINS
from infra.settings import Settings
from tests.certificates import certificate, key_pem, pem
from tests.infra.kafka.running import eventually
from tests.infra.kafka.stage import Stage
from tests.infra.kafka.test_consume import programme, raw
from tests.servers import Topics, own_folder

PASSWORD = "correct horse"
pytestmark = pytest.mark.xdist_group("kafka-outages")


@pytest.fixture(scope="module")
def authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    return certificate("Authority of the tests", None)


@pytest.fixture(scope="module")
def secure_kafka(
    server_folder: Path, authority: tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
) -> Iterator[Kafka]:
    cert, key = certificate("127.0.0.1", authority)
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    with own_folder(server_folder) as folder:
        (folder / "broker.pem").write_bytes(key_pem(key) + pem(cert))
        (folder / "authority.pem").write_bytes(pem(authority[0]))
        settings = {
            "listener.security.protocol.map": "CLIENTS:SASL_SSL,DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "listener.name.clients.ssl.keystore.type": "PEM",
            "listener.name.clients.ssl.keystore.location": str(folder / "broker.pem"),
            "listener.name.clients.ssl.truststore.type": "PEM",
            "listener.name.clients.ssl.truststore.location": str(folder / "authority.pem"),
            "listener.name.clients.ssl.client.auth": "required",
            "listener.name.clients.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.clients.plain.sasl.jaas.config": f'{login} user_rapport="{PASSWORD}";',
        }
        with Kafka(folder, settings=settings, short_lived=True) as server:
            yield server


@pytest.fixture
def files(authority: tuple[x509.Certificate, ec.EllipticCurvePrivateKey], tmp_path: Path) -> Path:
    """A folder with certificates and keys: ours, a stranger's, and ours under a password."""
    stranger = certificate("Somebody else", None)
    cert, key = certificate("rapport", authority)
    for name, text in {
        "ca.pem": pem(authority[0]),
        "other.pem": pem(stranger[0]),
        "other.key": key_pem(stranger[1]),
        "client.pem": pem(cert),
        "client.key": key_pem(key),
        "locked.key": key_pem(key, PASSWORD.encode()),
        "password": f"{PASSWORD}\n".encode(),
        "wrong": b"guess\n",
        "nothing": b"",
    }.items():
        (tmp_path / name).write_bytes(text)
    return tmp_path


@pytest.fixture
def settings(files: Path) -> Settings:
    return Settings(
        store=f"sqlite:///{files / 'store.sqlite'}",
        kafka="127.0.0.1:1",
        kafka_prefix=f"{files.name}.",
        kafka_security="SASL_SSL",
        kafka_ca_file=files / "ca.pem",
        kafka_certificate_file=files / "client.pem",
        kafka_key_file=files / "client.key",
        kafka_sasl="PLAIN",
        kafka_username="rapport",
        kafka_password_file=files / "password",
        log_format="json",
    )


@pytest.fixture
def secure_stage(secure_kafka: Kafka, settings: Settings, tmp_path: Path) -> Iterator[Stage]:
    settings = settings.model_copy(update={"kafka": secure_kafka.bootstrap})
    # The foreign client goes past the secured door.
    stage = Stage(secure_kafka.direct, Topics(secure_kafka, f"{tmp_path.name}.").create(1), settings, tmp_path)
    yield stage
    stage.close()


def test_messages_go_in_and_facts_come_out(secure_stage: Stage) -> None:
    stage = secure_stage
    stage.start("consume").wait_ready()
    stage.start("publish").wait_ready()
    stage.send([raw(programme())])
    [receipt] = stage.read(stage.topics.receipts, 1)
    assert receipt.json["status"] == "accepted"
    assert len(stage.read(stage.topics.events, 1)) == 1


def test_who_may_not_come_in_is_not_ready_and_told_why(secure_stage: Stage) -> None:
    stage = secure_stage
    running = stage.start("consume", RAPPORT_KAFKA_PASSWORD_FILE=str(stage.folder / "wrong"))
    eventually(lambda: running.said(BEGINS))
    assert running.page("/ready")[0] == 503
    log = running.log.read_text()
    assert "it does not accept the user in RAPPORT_KAFKA_USERNAME" in log
    assert PASSWORD not in log
    assert "guess" not in log


def changed(settings: Settings, change: dict[str, str | None]) -> Settings:
    """With other settings, those of files by their names in the test's folder."""
    assert settings.kafka_ca_file is not None
    folder = settings.kafka_ca_file.parent
    return settings.model_copy(
        update={name: folder / value if value and name.endswith("_file") else value for name, value in change.items()}
    )


@pytest.mark.parametrize(
    "change, why",
    [
        ({"kafka_password_file": "wrong"}, "with the password in RAPPORT_KAFKA_PASSWORD_FILE"),
        ({"kafka_sasl": "SCRAM-SHA-256"}, "does not offer the mechanism in RAPPORT_KAFKA_SASL"),
        ({"kafka_ca_file": "other.pem"}, "not of an authority in the file that RAPPORT_KAFKA_CA_FILE names"),
        ({"kafka_ca_file": None}, "that this machine trusts: name its file in RAPPORT_KAFKA_CA_FILE"),
        ({"kafka_certificate_file": None, "kafka_key_file": None}, "it asks for a certificate: set RAPPORT_KAFKA_CERT"),
        (
            {"kafka_certificate_file": "other.pem", "kafka_key_file": "other.key"},
            "does not accept the certificate in RAPPORT_KAFKA_CERTIFICATE_FILE",
        ),
        ({"kafka": "localhost"}, "its certificate is for another name"),
        ({"kafka_security": "SASL_PLAINTEXT"}, "it expects something else than SASL_PLAINTEXT"),
        ({"kafka": "nowhere.invalid"}, "that name is not known here"),
    ],
)
def test_why_a_broker_can_not_be_reached_is_told_by_the_setting(
    secure_kafka: Kafka, settings: Settings, change: dict[str, str | None], why: str
) -> None:
    place = f"{change.get('kafka') or '127.0.0.1'}:{secure_kafka.port}"
    with pytest.raises(KafkaTrouble, match="RAPPORT_KAFKA_SECURITY") as told:
        clients.admin(changed(settings, change | {"kafka": place}))
    assert why in str(told.value)


def test_that_nobody_listens_is_told(settings: Settings) -> None:
    with pytest.raises(KafkaTrouble, match="nobody listens there"):
        clients.admin(settings)


@pytest.mark.parametrize(
    "change, why",
    [
        ({"kafka_ca_file": "nothing"}, "RAPPORT_KAFKA_CA_FILE: expected certificates in PEM form in .*nothing"),
        ({"kafka_ca_file": "missing"}, "RAPPORT_KAFKA_CA_FILE: .*missing can't be read"),
        (
            {"kafka_certificate_file": "client.key"},
            "RAPPORT_KAFKA_CERTIFICATE_FILE: expected a certificate in PEM form",
        ),
        ({"kafka_key_file": "client.pem"}, "RAPPORT_KAFKA_KEY_FILE: expected a key in PEM form"),
        ({"kafka_key_file": "other.key"}, "is not the key of the certificate in RAPPORT_KAFKA_CERTIFICATE_FILE"),
        ({"kafka_key_file": "locked.key"}, "has a password: .* RAPPORT_KAFKA_KEY_PASSWORD_FILE"),
        (
            {"kafka_key_file": "locked.key", "kafka_key_password_file": "wrong"},
            "RAPPORT_KAFKA_KEY_PASSWORD_FILE: the password does not open the key",
        ),
    ],
)
def test_files_that_can_not_be_used_are_refused_before_a_broker_is_asked(
    settings: Settings, change: dict[str, str | None], why: str
) -> None:
    with pytest.raises(NoKafka, match=why):
        clients.connection(changed(settings, change))


def test_a_key_is_opened_with_its_password(settings: Settings) -> None:
    locked: dict[str, str | None] = {"kafka_key_file": "locked.key", "kafka_key_password_file": "password"}
    assert clients.connection(changed(settings, locked))["ssl_password"] == PASSWORD


# In a process of its own: a client that is closed while it connects leaves that socket to the collector.
PROBING = """
import sys
from infra.kafka.clients import KafkaTrouble
from infra.kafka.probe import BrokerProbe
from infra.settings import Settings
try:
    BrokerProbe(Settings(kafka=sys.argv[1]))()
except KafkaTrouble as error:
    print(error)
"""


def test_a_broker_that_names_another_address_than_its_own_is_told_with_that_address(server_folder: Path) -> None:
    elsewhere = free_port()
    with (
        own_folder(server_folder) as folder,
        Kafka(folder, advertised_port=elsewhere, short_lived=True) as server,
    ):
        probing = [sys.executable, "-c", PROBING, f"127.0.0.1:{server.port}"]
        told = subprocess.run(probing, capture_output=True, text=True, check=True, timeout=60)
    assert f"it is at 127.0.0.1:{elsewhere} (its advertised.listeners): nobody listens there" in told.stdout
