"""The command `rapport`: a Typer application put together from the modules beside this one.

Each module has `register(app)`, which adds its commands. Registering must stay cheap: stores, servers and pyarrow are
imported inside the commands that need them, so that `rapport --help` answers at once.
"""

from importlib import import_module

import typer

# In the order in which `rapport --help` lists them.
MODULES: tuple[str, ...] = (
    "submit",
    "show",
    "history",
    "health",
    "nps",
    "what_if",
    "projections",
    "export",
    "work",
    "tasks",
    "audit",
    "codes",
    "chart",
    "simulate",
    "consume",
    "publish",
    "dead_letters",
    "notifications",
    "copy",
    "up",
)


def build() -> typer.Typer:
    """The whole command line, with the commands of every module in `MODULES`."""
    app = typer.Typer(
        name="rapport",
        help="The system of record for mentoring relationships.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    # With a callback, Typer keeps subcommands even while there is only one.
    @app.callback()
    def rapport() -> None:
        """The system of record for mentoring relationships."""

    for name in MODULES:
        import_module(f"infra.cli.{name}").register(app)
    return app


def main() -> None:
    """Entry point of the console script; exits 0 when all went well, 1 when refused or found wrong, 2 on misuse."""
    build()()
