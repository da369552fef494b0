"""`rapport token`: tokens for development, signed by a local key."""

import re
from datetime import timedelta
from typing import Annotated, Any, Final

import typer

from infra.cli.opening import configured
from infra.cli.output import REFUSED, USAGE, JsonOption, fail, print_json, print_lines, print_note
from infra.unknown_name import unknown_name

UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST: Final = timedelta(days=366)
EVERY: Final = "*"


def register(app: typer.Typer) -> None:
    """Add `token` with its subcommand."""
    token = typer.Typer(help="Issue tokens for development.", no_args_is_help=True)
    token.callback()(_nothing)
    token.command("issue")(issue)
    app.add_typer(token, name="token")


def _nothing() -> None:
    """Issue tokens for development."""


def _lasting(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no duration: expected a number with s, m, h or d, such as 1h")
    lasting = timedelta(**{UNITS[found[2]]: int(found[1])})
    if lasting > LONGEST:
        raise typer.BadParameter(f"{text!r} is too long: expected at most {LONGEST.days}d")
    return lasting


def _actor(text: str) -> Any:
    from domain.ids import IN_WORDS, is_id
    from domain.model import Actor

    role, colon, id_ = text.partition(":")
    if not colon:
        raise typer.BadParameter(f"{text!r} is no actor: expected role:id, such as coordinator:cora")
    _role(role)
    if not is_id(id_):
        raise typer.BadParameter(f"{id_!r}: {IN_WORDS}")
    return Actor.parse(text)


def _role(text: str) -> str:
    from infra.access.tokens import TOKEN_ROLES

    if text == "worker":
        raise typer.BadParameter("'worker': workers are Rapport's own, and no token makes one")
    if text not in TOKEN_ROLES:
        raise typer.BadParameter(unknown_name("role", text, sorted(TOKEN_ROLES)))
    return text


def _programme(text: str) -> str:
    from domain.ids import IN_WORDS, is_id

    if text != EVERY and not is_id(text):
        raise typer.BadParameter(f"{text!r}: {IN_WORDS}, or * for all programmes")
    return text


def issue(
    actor: Annotated[Any, typer.Option("--actor", metavar="ROLE:ID", parser=_actor, help="Whom the token names.")],
    programme: Annotated[
        list[str] | None,
        typer.Option(
            "--programme",
            metavar="P",
            parser=_programme,
            help="A programme that the token covers; may be repeated. Without it: all of them.",
        ),
    ] = None,
    acts_for: Annotated[
        list[str] | None,
        typer.Option(
            "--acts-for",
            metavar="ROLE",
            parser=_role,
            help="A role whose messages a service may pass on; may be repeated.",
        ),
    ] = None,
    expires: Annotated[
        Any, typer.Option("--expires", metavar="TIME", parser=_lasting, help="How long it is valid: 90s, 15m, 1h, 7d.")
    ] = "1h",
    as_json: JsonOption = False,
) -> None:
    """Issue a token for development, signed by the local key, which is made at first use.

    With RAPPORT_TOKEN_KEYS, tokens come from an identity provider instead, and this command refuses.
    """
    from infra.access import local_key, tokens
    from infra.settings import WrongSettings
    from infra.store.errors import StoreError, UnknownStore

    try:
        settings = configured()
        tokens.check_local(settings)
        file = local_key.place(settings)
        if local_key.make(file):
            print_note(f"made a key that signs tokens: {file}")
        programmes = [] if EVERY in (programme or []) else programme or []
        token = tokens.issue(
            settings, actor.role, actor.id, programmes=programmes, acts_for=acts_for or (), lasting=expires
        )
    except (WrongSettings, UnknownStore) as error:
        fail(str(error), USAGE)
    except StoreError as error:
        fail(str(error), REFUSED)
    if as_json:
        print_json({"token": token, "expires_in": int(expires.total_seconds()), "key_file": str(file)})
    else:
        # On one line, whatever the terminal's width: it is there to be copied.
        print_lines(token)
