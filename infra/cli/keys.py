"""`rapport keys`: the keys that seal content, made, checked and wrapped anew; those to which senders encrypt, and that signs checkpoints."""

from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.opening import opened
from infra.cli.output import REFUSED, USAGE, JsonOption, fail, print_json, print_lines, print_note, print_text

if TYPE_CHECKING:
    from infra.bootstrap import Rapport


def register(app: typer.Typer) -> None:
    """Add `keys` with its subcommands."""
    keys = typer.Typer(help="Make, check and rotate the keys that seal content.", no_args_is_help=True)
    keys.command("init")(init)
    keys.command("check")(check)
    keys.command("rotate")(rotate)
    keys.command("show")(show)
    app.add_typer(keys, name="keys")


def init(as_json: JsonOption = False) -> None:
    """Make the keys of the store, the master key if its file is missing, and those that sign tokens and checkpoints.

    Keys that are there stay. With RAPPORT_TOKEN_KEYS an identity provider signs tokens, and no key is made for them.
    """
    from infra.access import local_key
    from infra.settings import WrongSettings

    with opened(makes_master=True) as rapport:
        made = rapport.keys.make()
        places = {"keys": rapport.keys.kept.place, "master_key_file": str(rapport.keys.master_file)}
        try:
            file = None if rapport.settings.token_keys is not None else local_key.place(rapport.settings)
            made_for_tokens = file is not None and local_key.make(file)
        except WrongSettings as error:
            fail(str(error), USAGE)
        verifier = _verifier(rapport)
    if as_json:
        places |= {} if verifier is None else {"verifier": verifier}
        print_json({"made": made, **places, "token_key_file": file and str(file), "made_token_key": made_for_tokens})
        return
    print_text(f"{'made the keys' if made else 'the keys are there'}: {places['keys']}")
    print_text(f"master key: {places['master_key_file']}")
    if file is not None:
        print_text(f"{'made the key' if made_for_tokens else 'the key is there'} that signs tokens: {file}")
    print_lines(f"public key of checkpoints: {verifier or 'none'}")


def check(as_json: JsonOption = False) -> None:
    """Check that every key opens with the master key. Exits 1 if one does not; shows no secret key.

    It shows the public key of the store's checkpoints in C2SP's form, for those who check checkpoints, bundles and witnesses.
    """
    with opened() as rapport:
        fit = rapport.keys.check()
        verifier = _verifier(rapport)
    if as_json:
        print_json({"ok": fit.ok, **fit._asdict(), "verifier": verifier})
    else:
        print_text(f"keys: {fit.keys}")
        print_text(f"master key {fit.master_key}: {fit.master_key_file}")
        print_text(f"store: {fit.store}")
        print_lines(f"public key of checkpoints: {verifier or 'none'}")
        print_text(f"{fit.data_keys} data keys for {fit.people} people in {fit.subjects} subjects")
        for problem in fit.problems:
            print_text(problem)
        print_text("every key fits" if fit.ok else f"{len(fit.problems)} keys do not fit")
    if not fit.ok:
        raise typer.Exit(REFUSED)


def show(
    public: Annotated[
        bool, typer.Option("--public", help="The public key to which senders encrypt; made at first use.")
    ] = False,
    new: Annotated[
        bool, typer.Option("--new", help="Make a new one first; the old ones go on opening what was encrypted to them.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the public key to which senders encrypt the data of messages, as a JWK. Its private half is shown nowhere."""
    from infra.cli.opening import configured
    from infra.intake import encrypted
    from infra.settings import WrongSettings
    from infra.store.errors import StoreError

    if not public:
        fail("say --public: private keys are shown nowhere", USAGE)
    settings = configured()
    reading = settings.model_copy(update={"kafka_encrypted": False})
    try:
        if new or not encrypted.load(reading).keys:
            encrypted.add_key(reading)
            print_note(f"made a key in {encrypted.place(settings)}: back it up, and start rapport consume anew")
        key = encrypted.load(reading).public
    except (WrongSettings, StoreError) as error:
        fail(str(error), USAGE)
    if as_json:
        print_json(key)
    else:
        import orjson

        # On one line, for a file that a sender reads.
        print_lines(orjson.dumps(key).decode())


def _verifier(rapport: "Rapport") -> str | None:
    """The public key of the store's checkpoints, which is made at first use; None, with the reason, where it can't be."""
    from infra.evidence.signing_key import KeyRefused

    try:
        return str(rapport.checkpoints(print_note).signer().verifier)
    except KeyRefused as error:
        print_note(str(error))
        return None


def rotate(as_json: JsonOption = False) -> None:
    """Make a new master key and wrap every key with it. Other processes may go on working; events stay as they are.

    Until the end the file holds both master keys, so an interrupted rotation goes on when it is run again.
    """
    with opened() as rapport:
        count = rapport.keys.rotate()
    if as_json:
        print_json({"data_keys": count})
    else:
        print_text(
            f"{count} data keys are wrapped by a new master key; back its file up and destroy copies of the old one"
        )
