"""The command `rapport`: a Typer application put together from the modules beside this one.

Each module has `register(app)`, which adds its commands. Registering must stay cheap: stores, servers and pyarrow are
imported inside the commands that need them, so that `rapport --help` answers at once.
"""

import os
import sys
import traceback
from functools import cache
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from infra.cli import streams
from infra.cli.output import OK, REFUSED, USAGE, print_error, print_text
from infra.visible_text import visible_lines

# A wrong call, as Typer raises it; the class has no public name.
MISUSE: Any = typer.BadParameter.__mro__[1]

# In the order in which `rapport --help` lists them.
MODULES: tuple[str, ...] = (
    "submit",
    "show",
    "can_share",
    "report",
    "subject",
    "erase",
    "health",
    "nps",
    "what_if",
    "explore",
    "projections",
    "export",
    "serve",
    "token",
    "work",
    "tasks",
    "decisions",
    "attempts",
    "reads",
    "audit",
    "codes",
    "chart",
    "simulate",
    "consume",
    "publish",
    "dead_letters",
    "notifications",
    "copy",
    "keys",
    "up",
)


@cache
def command_line() -> Any:
    """The whole command line, ready to be called or described: a command of Typer's own click."""
    return get_command(build())


def build() -> typer.Typer:
    """The whole command line, with the commands of every module in `MODULES`."""
    app = typer.Typer(
        name="rapport",
        help="The system of record for mentoring relationships.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        # Help and errors in plain text: no colours, no boxes.
        rich_markup_mode=None,
    )

    # With a callback, Typer keeps subcommands even while there is only one.
    @app.callback()
    def rapport(
        *,
        version: Annotated[
            bool,
            typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
        ] = False,
    ) -> None:
        """The system of record for mentoring relationships."""

    for name in MODULES:
        import_module(f"infra.cli.{name}").register(app)
    _finish(app)
    return app


def _print_version(wanted: bool) -> None:
    """Print which Rapport this is, which format of store it reads and writes, and which Python runs it."""
    if not wanted:
        return
    # Reading metadata and the store's modules takes a moment that no other command should wait for.
    from importlib.metadata import version
    from platform import python_version

    from infra.store.hash_chain import SCHEMA_VERSION

    print_text(f"rapport {version('rapport')}")
    print_text(f"store schema {SCHEMA_VERSION}")
    print_text(f"Python {python_version()}")
    raise typer.Exit(OK)


def _finish(app: typer.Typer) -> None:
    """Every command of every group has standard output for its answers alone, and takes each option once."""
    app.info.cls = Group
    for command in app.registered_commands:
        command.cls = OnceEach
        if command.callback is not None:
            command.callback = streams.answering(command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            _finish(group.typer_instance)
    found = app.registered_callback
    if found is not None and found.callback is not None:
        found.callback = streams.answering(found.callback)


# Longer than any first sentence: lists of commands break it between words and leave nothing of it out.
WHOLE_SENTENCE = 1_000


class Listed:
    """Is listed with its whole first sentence, however narrow the list is."""

    def get_short_help_str(self, limit: int = WHOLE_SENTENCE) -> str:
        """The first sentence of the help."""
        found: str = super().get_short_help_str(max(limit, WHOLE_SENTENCE))  # type: ignore[misc]
        return found


class Group(Listed, TyperGroup):
    """A group of commands."""


class OnceEach(Listed, TyperCommand):
    """A command that refuses an option that is given twice, for of two values one would be dropped without a word.

    Flags, and options that take several values, may be repeated.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the arguments in.

        Raises:
            UsageError: An option with one value is given again.
        """
        if args and not ctx.resilient_parsing:
            _, _, order = self.make_parser(ctx).parse_args(args=list(args))
            for option in order:
                if isinstance(option, TyperOption) and _takes_one(option) and order.count(option) > 1:
                    ctx.fail(f"{max(option.opts, key=len)} is given {order.count(option)} times: it takes one value")
        return super().parse_args(ctx, args)


def _takes_one(option: TyperOption) -> bool:
    return not (option.multiple or option.is_flag or option.count)


def main() -> NoReturn:
    """Entry point of the console script; exits 0 when all went well, 1 when refused or found wrong, 2 on misuse."""
    # Files and folders that commands make (exports, simulated messages, data of local servers) are for their owner alone.
    os.umask(0o077)
    streams.prepare()
    try:
        code = _run()
    finally:
        streams.settle()
    sys.exit(code)


def _run() -> int:
    """The exit code. What goes wrong is told in one line that no text of anybody can break."""
    try:
        code = command_line().main(prog_name="rapport", standalone_mode=False)
    except typer.Exit as error:
        return error.exit_code
    except streams.OutputLost as error:
        print_error(str(error))
        return REFUSED
    except MISUSE as error:
        return _misuse(error)
    except UnicodeEncodeError:
        if all(_is_text(argument) for argument in sys.argv):
            raise
        print_error("an argument is no text in this machine's encoding")
        return USAGE
    except OSError as error:
        print_error(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))
        return REFUSED
    except Exception:  # noqa: BLE001 - a mistake of ours; what it quotes is shown, not obeyed
        streams.complain(visible_lines(traceback.format_exc().rstrip()))
        return REFUSED
    return code if isinstance(code, int) else OK


def _is_text(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _misuse(error: Any) -> int:
    message, context = error.format_message(), error.ctx
    if context is not None and message == context.get_help():
        # Called without arguments: the help is the answer.
        streams.complain(message)
        return USAGE
    if context is not None:
        streams.complain(f"{context.get_usage()}\nTry '{context.command_path} --help' for help.\n")
    print_error(message)
    return USAGE
