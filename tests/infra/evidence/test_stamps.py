"""A time stamp authority stamps checkpoints: the stamp is kept beside them, shown, and refused where it is of something else."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner, Result

from infra.bootstrap import open_rapport
from infra.cli.app import build
from infra.evidence import stamps
from infra.evidence.stamps import NoStamp
from infra.settings import Settings
from tests.messages import contact, proposal, relationship_id

CONFIGURATION = """\
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
default_policy = 1.2.3.4
digests = sha256, sha384, sha512
signer_digest = sha256
ess_cert_id_alg = sha256
"""
KEY = ec.SECP256R1


class Authority(NamedTuple):
    """A time stamp authority that answers at an address, and its root certificate."""

    url: str
    roots: Path


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """OpenSSL's own authority behind a server: what it answers was made by nobody's code here."""
    assert shutil.which("openssl"), "the tests need openssl: it is the time stamp authority"
    folder = tmp_path_factory.mktemp("authority")
    (folder / "configuration").write_text(CONFIGURATION.format(folder=folder))
    (folder / "serial").write_text("01\n")
    certificates(folder)

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            reply = b"No stamps today" if self.path == "/broken" else stamped(folder, asked)
            self.send_response(503 if self.path == "/away" else 200)
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield Authority(f"http://127.0.0.1:{server.server_port}/", folder / "root.pem")
        server.shutdown()
        thread.join()


def stamped(folder: Path, asked: bytes) -> bytes:
    (folder / "query").write_bytes(asked)
    command = ["openssl", "ts", "-reply", "-config", "configuration", "-queryfile", "query", "-inkey", "tsa.key"]
    subprocess.run(
        [*command, "-signer", "tsa.pem", "-out", "reply"], cwd=folder, check=True, capture_output=True, timeout=30
    )
    return (folder / "reply").read_bytes()


def certificates(folder: Path) -> None:
    """A root, and the certificate of an authority that it signed."""
    root_key, key = ec.generate_private_key(KEY()), ec.generate_private_key(KEY())
    root_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Root of the tests")])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Stamps of the tests")])
    root = (
        certificate(root_name, root_name, root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    stamping = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.TIME_STAMPING])
    signed = (
        certificate(name, root_name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(stamping, critical=True)
        .sign(root_key, hashes.SHA256())
    )
    (folder / "root.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    (folder / "tsa.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "tsa.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer, subject, key, x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1)
    )


@pytest.fixture
def stored(tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store whose checkpoints are stamped, and the folder where they are kept."""
    store = f"sqlite:///{tmp_path / 'store.sqlite'}"
    with open_rapport(Settings(store=store)) as rapport:
        rapport.handler.handle([proposal(1), contact(1, "a")])
    monkeypatch.setenv("RAPPORT_STORE", store)
    monkeypatch.setenv("RAPPORT_TIMESTAMP_URL", authority.url)
    monkeypatch.setenv("RAPPORT_CHECKPOINTS", f"{tmp_path}/kept/")
    return tmp_path / "kept"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build(), ["audit", *arguments])


def test_a_checkpoint_that_is_kept_has_its_stamp_beside_it_and_verification_shows_it(
    stored: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("checkpoint").exit_code == 0
    [checkpoint] = stored.glob("*.checkpoint")
    stamp = stamps.read(stamps.file_of(checkpoint).read_bytes(), checkpoint.read_bytes(), ())
    assert abs(stamp.at - datetime.now(UTC)) < timedelta(minutes=5)
    told = run("verify").stdout.replace("\n", " ")
    assert f"stamped at {stamp.at:%Y-%m-%dT%H:%M:%SZ}" in told
    assert "no root certificate vouches" in told
    monkeypatch.setenv("RAPPORT_TIMESTAMP_ROOTS", str(authority.roots))
    verified = json.loads(run("verify", "--json").stdout)
    assert verified["ok"]
    assert verified["tree"]["checkpoint"]["stamp"]["trusted"] is True


def test_a_stamp_of_another_checkpoint_is_found(stored: Path) -> None:
    assert run("checkpoint").exit_code == 0
    [checkpoint] = stored.glob("*.checkpoint")
    stamp = stamps.file_of(checkpoint)
    with open_rapport() as rapport:
        rapport.handler.handle([contact(1, "b")])
    assert run("checkpoint").exit_code == 0
    later = max(stored.glob("*.checkpoint"))
    stamps.file_of(later).write_bytes(stamp.read_bytes())
    found = run("verify", "--json")
    assert found.exit_code == 1
    assert "of something else" in json.loads(found.stdout)["problems"][0]["problem"]


def test_a_bundle_carries_the_stamp_of_its_checkpoint(stored: Path, authority: Authority, tmp_path: Path) -> None:
    file = tmp_path / "bundle.zip"
    key = json.loads(run("bundle", relationship_id(1), "-o", str(file), "--json").stdout)["key"]
    told = json.loads(run("check-bundle", str(file), "--key", key, "--json").stdout)
    assert (told["ok"], told["stamp"]["trusted"]) == (True, False)
    with_roots = ["--timestamp-roots", str(authority.roots)]
    told = json.loads(run("check-bundle", str(file), "--key", key, "--json", *with_roots).stdout)
    assert (told["ok"], told["stamp"]["trusted"]) == (True, True)
    shown = run("check-bundle", str(file), "--key", key, *with_roots).stdout
    assert "by an authority that you trust" in " ".join(shown.split())
    other = tmp_path / "other"
    other.mkdir()
    certificates(other)
    strange = run("check-bundle", str(file), "--key", key, "--timestamp-roots", str(other / "root.pem"))
    assert strange.exit_code == 1
    assert "can't be trusted" in strange.stderr.replace("\n", " ")
    (other / "none.pem").write_text("nothing")
    assert run("check-bundle", str(file), "--key", key, "--timestamp-roots", str(other / "none.pem")).exit_code == 2
    assert stored.name == "kept"


@pytest.mark.parametrize("path", ["away", "broken"])
def test_an_authority_that_gives_no_stamp_stops_no_checkpoint(
    stored: Path, authority: Authority, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_TIMESTAMP_URL", authority.url + path)
    done = run("checkpoint")
    assert done.exit_code == 0
    assert "time stamp" in done.stderr.replace("\n", " ")
    [checkpoint] = stored.glob("*.checkpoint")
    assert not stamps.file_of(checkpoint).exists()
    with pytest.raises(NoStamp):
        stamps.ask(authority.url + path, checkpoint.read_bytes())
