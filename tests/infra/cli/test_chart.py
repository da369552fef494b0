import json
import re

from typer.testing import CliRunner

from infra.cli.app import build


def test_the_chart_shows_the_four_states_and_the_commands_between_them() -> None:
    result = CliRunner().invoke(build(), ["chart"])
    assert result.exit_code == 0
    assert result.stdout.startswith("stateDiagram-v2\n")
    ways = re.findall(r"^    (\S+) --> (\S+)(?: : (\w+))?$", result.stdout, re.MULTILINE)
    assert sorted(ways) == [
        ("[*]", "contracting", ""),
        ("active", "paused", "PauseRelationship"),
        ("active", "terminated", "TerminateRelationship"),
        ("contracting", "active", "ActivateRelationship"),
        ("contracting", "terminated", "TerminateRelationship"),
        ("paused", "active", "ResumeRelationship"),
        ("paused", "terminated", "TerminateRelationship"),
        ("terminated", "[*]", ""),
    ]


def test_the_chart_as_json_holds_the_same() -> None:
    shown = CliRunner().invoke(build(), ["chart"]).stdout
    assert json.loads(CliRunner().invoke(build(), ["chart", "--json"]).stdout) == {"mermaid": shown.rstrip("\n")}
