"""compose.yaml gives those with Docker the same servers as `rapport up`."""

import re
from pathlib import Path

from infra.local import kafka_jars, postgres
from infra.local.kafka_access import TOPICS

COMPOSE = (Path(__file__).parents[3] / "compose.yaml").read_text()


def test_the_versions_are_those_of_rapport_up() -> None:
    images = set(re.findall(r"image: (\S+)", COMPOSE))
    assert images == {f"postgres:{postgres.VERSION}", f"apache/kafka:{kafka_jars.version()}"}


def test_the_topics_are_all_made() -> None:
    (made,) = re.findall(r"for topic in (.*); do", COMPOSE)
    assert tuple(made.split()) == TOPICS


def test_ports_are_open_to_this_machine_alone() -> None:
    ports = re.findall(r"ports: \[(.*)\]", COMPOSE)
    assert len(ports) == 2
    assert all(port.startswith('"127.0.0.1:') for port in ports)
