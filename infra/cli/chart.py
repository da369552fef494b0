"""`rapport chart`: the life of a relationship as a Mermaid diagram, drawn from the statechart that decides."""

import typer

from infra.cli.output import JsonOption, print_json, print_lines


def register(app: typer.Typer) -> None:
    """Add `chart`."""
    app.command("chart")(chart)


def chart(as_json: JsonOption = False) -> None:
    """Print the statechart of a relationship as Mermaid."""
    if as_json:
        print_json({"mermaid": diagram()})
    else:
        print_lines(diagram())


def diagram() -> str:
    """The Mermaid text: states, and the commands that lead from one to another.

    The library draws it. Two things are put right: it shows commands by a softened name and not by the one that messages
    carry, and it knows an end only where nothing at all is taken any more, while an ended relationship takes feedback.
    """
    from domain.relationship.lifecycle import Lifecycle

    steps = [step for state in Lifecycle.states for step in state.transitions]
    command_of = {str(event.name): str(event.id) for step in steps for event in step.events}
    lines = []
    for line in f"{Lifecycle:mermaid}".rstrip().splitlines():
        way, colon, label = line.partition(" : ")
        lines.append(f"{way}{colon}{command_of[label]}" if colon else line)
    ends = [state.id for state in Lifecycle.states if all(step.target is state for step in state.transitions)]
    lines += [f"    {end} --> [*]" for end in ends]
    return "\n".join(lines)
