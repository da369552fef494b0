"""`rapport chart`: the life of a relationship as a Mermaid diagram, printed from the statechart that decides."""

import typer


def register(app: typer.Typer) -> None:
    """Add `chart`."""
    app.command("chart")(chart)


def chart() -> None:
    """Print the statechart of a relationship as Mermaid."""
    from domain.relationship.lifecycle import Lifecycle

    typer.echo(f"{Lifecycle:mermaid}")
