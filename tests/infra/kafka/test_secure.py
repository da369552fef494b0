"""TLS and SASL: the settings reach the broker, and a wrong password or an unknown authority keeps us out."""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.local.kafka import Kafka
from infra.operations.outages import BEGINS
from infra.settings import Settings
from tests.infra.kafka.running import eventually
from tests.infra.kafka.stage import Stage
from tests.infra.kafka.test_consume import programme, raw
from tests.servers import Topics, own_folder

PASSWORD = "correct horse"
pytestmark = pytest.mark.xdist_group("kafka-outages")


def certificate(
    name: str, issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer[1] if issuer else key).public_key()),
            critical=False,
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    )
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def pem(cert: x509.Certificate) -> bytes:
    return cert.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    return certificate("Authority of the tests", None)


@pytest.fixture(scope="module")
def secure_kafka(
    server_folder: Path, authority: tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
) -> Iterator[Kafka]:
    cert, key = certificate("127.0.0.1", authority)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    with own_folder(server_folder) as folder:
        (folder / "broker.pem").write_bytes(secret + pem(cert))
        settings = {
            "listener.security.protocol.map": "CLIENTS:SASL_SSL,DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "listener.name.clients.ssl.keystore.type": "PEM",
            "listener.name.clients.ssl.keystore.location": str(folder / "broker.pem"),
            "listener.name.clients.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.clients.plain.sasl.jaas.config": f'{login} user_rapport="{PASSWORD}";',
        }
        with Kafka(folder, settings=settings, short_lived=True) as server:
            yield server


@pytest.fixture
def secure_stage(
    secure_kafka: Kafka, authority: tuple[x509.Certificate, ec.EllipticCurvePrivateKey], tmp_path: Path
) -> Iterator[Stage]:
    (tmp_path / "ca.pem").write_bytes(pem(authority[0]))
    (tmp_path / "other.pem").write_bytes(pem(certificate("Somebody else", None)[0]))
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    (tmp_path / "wrong").write_text("guess\n")
    settings = Settings(
        store=f"sqlite:///{tmp_path / 'store.sqlite'}",
        kafka=secure_kafka.bootstrap,
        kafka_prefix=f"{tmp_path.name}.",
        kafka_security="SASL_SSL",
        kafka_ca_file=tmp_path / "ca.pem",
        kafka_sasl="PLAIN",
        kafka_username="rapport",
        kafka_password_file=tmp_path / "password",
        log_format="json",
    )
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


@pytest.mark.parametrize("change", [{"RAPPORT_KAFKA_PASSWORD_FILE": "wrong"}, {"RAPPORT_KAFKA_CA_FILE": "other.pem"}])
def test_who_may_not_come_in_is_not_ready(secure_stage: Stage, change: dict[str, str]) -> None:
    stage = secure_stage
    running = stage.start("consume", **{name: str(stage.folder / file) for name, file in change.items()})
    eventually(lambda: running.said(BEGINS))
    assert running.page("/ready")[0] == 503
    assert PASSWORD not in running.log.read_text()
