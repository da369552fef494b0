import re

from typer.testing import CliRunner

from infra.cli.app import build


def test_the_chart_shows_the_four_states_and_the_way_between_them() -> None:
    result = CliRunner().invoke(build(), ["chart"])
    assert result.exit_code == 0
    assert result.stdout.startswith("stateDiagram-v2")
    ways = set(re.findall(r"^\s*(\w+) --> (\w+)", result.stdout, re.MULTILINE))
    assert {
        ("contracting", "active"),
        ("active", "paused"),
        ("paused", "active"),
        ("contracting", "terminated"),
        ("active", "terminated"),
        ("paused", "terminated"),
    } <= ways
    assert {source for source, target in ways if target != source} == {"contracting", "active", "paused"}
