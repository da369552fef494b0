"""`rapport token issue`."""

import json
import stat
from pathlib import Path

from infra.access.tokens import Tokens
from infra.settings import Settings
from tests.command import own_environment, rapport


def test_the_token_alone_is_on_stdout_and_the_new_key_is_said_on_stderr(tmp_path: Path) -> None:
    env = own_environment(RAPPORT_STORE=f"sqlite:///{tmp_path}/store.sqlite")
    given = ["--actor", "service:booking", "--programme", "P1", "--programme", "p2", "--acts-for", "mentee"]
    done = rapport("token", "issue", *given, env=env)
    file = tmp_path / "store.sqlite.token-key"
    assert (done.returncode, stat.S_IMODE(file.stat().st_mode)) == (0, 0o600)
    assert str(file) in done.stderr.decode()
    caller = Tokens.of(Settings(store=f"sqlite:///{tmp_path}/store.sqlite")).caller(done.stdout.decode().strip())
    assert (caller.id, caller.roles, caller.programmes, caller.acts_for) == (
        "booking",
        frozenset({"service"}),
        frozenset({"p1", "p2"}),
        frozenset({"mentee"}),
    )
    again = rapport("token", "issue", "--actor", "mentee:ana", "--json", env=env)
    assert again.stderr == b""
    assert json.loads(again.stdout)["expires_in"] == 3600


def test_wrong_calls_exit_2_and_make_no_key(tmp_path: Path) -> None:
    env = own_environment(RAPPORT_STORE=f"sqlite:///{tmp_path}/store.sqlite")
    for wrong in (
        ["--actor", "worker:commitment"],
        ["--actor", "mentee"],
        ["--actor", "mentee:ana lopez"],
        ["--actor", "boss:ana"],
        ["--actor", "mentee:ana", "--acts-for", "worker"],
        ["--actor", "mentee:ana", "--programme", "p 1"],
        ["--actor", "mentee:ana", "--expires", "0h"],
        ["--actor", "mentee:ana", "--expires", "soon"],
        ["--actor", "mentee:ana", "--expires", "9999d"],
        [],
    ):
        done = rapport("token", "issue", *wrong, env=env)
        assert (done.returncode, done.stdout) == (2, b""), wrong
    assert not list(tmp_path.iterdir())


def test_it_refuses_where_an_identity_provider_signs(tmp_path: Path) -> None:
    env = own_environment(RAPPORT_TOKEN_KEYS="https://id.example.org/jwks")
    done = rapport("token", "issue", "--actor", "mentee:ana", env=env, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"RAPPORT_TOKEN_KEYS is set" in done.stderr


def test_keys_init_makes_the_key_that_signs_tokens_too(tmp_path: Path) -> None:
    env = own_environment(RAPPORT_STORE=f"sqlite:///{tmp_path}/store.sqlite")
    made = json.loads(rapport("keys", "init", "--json", env=env).stdout)
    file = tmp_path / "store.sqlite.token-key"
    assert (made["token_key_file"], made["made_token_key"]) == (str(file), True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    again = rapport("keys", "init", "--json", env=env)
    assert (again.returncode, json.loads(again.stdout)["made_token_key"]) == (0, False)
    assert file.read_bytes() == before
    done = rapport("token", "issue", "--actor", "mentee:ana", env=env)
    assert (done.returncode, done.stderr) == (0, b"")


def test_keys_init_makes_no_key_for_tokens_where_an_identity_provider_signs(tmp_path: Path) -> None:
    env = own_environment(
        RAPPORT_STORE=f"sqlite:///{tmp_path}/store.sqlite", RAPPORT_TOKEN_KEYS="https://id.example.org/jwks"
    )
    done = rapport("keys", "init", "--json", env=env)
    assert (done.returncode, json.loads(done.stdout)["token_key_file"]) == (0, None)
    assert not (tmp_path / "store.sqlite.token-key").exists()
