"""The scripts that are kept in this repository as npm publishes them: `make vendor` fetches them anew, a test holds them to their record.

    python -m tests.infra.web.vendored htmx.org@2.0.11 axe-core@4.14.1

Each lies beside its licence, and VENDORED.json says package, version, licence and SHA-256. Registries are npm's own business: no address
is written down.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]


class Kept(NamedTuple):
    """A file of a package, and where it is kept."""

    package: str
    source: str
    target: Path

    @property
    def licence(self) -> Path:
        return self.target.with_name(f"{self.package}.LICENSE")

    @property
    def record(self) -> Path:
        return self.target.with_name("VENDORED.json")


KEPT = (
    # In the wheel: pages run it.
    Kept("htmx.org", "package/dist/htmx.min.js", ROOT / "infra/web/static/htmx.min.js"),
    # For tests alone: it looks for what keeps people out.
    Kept("axe-core", "package/axe.min.js", ROOT / "tests/infra/web/browser/axe/axe.min.js"),
)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main(*wanted: str) -> None:
    versions = dict(each.rsplit("@", 1) for each in wanted)
    with tempfile.TemporaryDirectory() as folder:
        for kept in KEPT:
            version = versions[kept.package]
            command = ["npm", "pack", "--silent", f"{kept.package}@{version}"]
            name = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
            with tarfile.open(Path(folder) / name.splitlines()[-1]) as archive:
                content, licence, about = (
                    _read(archive, member) for member in (kept.source, "package/LICENSE", "package/package.json")
                )
            kept.target.parent.mkdir(parents=True, exist_ok=True)
            kept.target.write_bytes(content)
            kept.licence.write_bytes(licence)
            record = {
                "file": kept.target.name,
                "package": kept.package,
                "version": version,
                "licence": json.loads(about)["license"],
                "sha256": digest(content),
            }
            kept.record.write_text(json.dumps(record, indent=2) + "\n")


def _read(archive: tarfile.TarFile, member: str) -> bytes:
    found = archive.extractfile(member)
    assert found is not None, f"the package has no {member}"
    return found.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
