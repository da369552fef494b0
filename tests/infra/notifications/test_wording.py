"""What notifications say: every template that a worker uses has phrases, and phrases use operational parameters alone."""

import ast
import importlib
import re
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from jinja2 import Environment, UndefinedError, meta

import workers
from infra.notifications.wording import PHRASES, WORDS, UnknownTemplate, list_of, time, word, words_of
from tests.infra.notifications.notes import note
from workers.model import Value

# All that a notification may ever tell beside ids of what it is about: ids of sessions, versions, times, words of ours.
OPERATIONAL = {
    "audience", "band", "clause", "clauses", "document", "events", "how", "items", "kind", "occasion", "party", "relationship", "session_id",
    "sessions_left", "starts_at", "version",
}  # fmt: skip
FOLDER = Path(str(workers.__file__)).parent


class Use(NamedTuple):
    """A place in a worker that makes a notification."""

    where: str
    template: str
    parameters: frozenset[str]


def uses() -> list[Use]:
    """Every notification that the source of a worker makes."""
    return [use for path in sorted(FOLDER.glob("*.py")) if path.stem != "reactions" for use in _uses(path)]


def _uses(path: Path) -> Iterator[Use]:
    module = importlib.import_module(f"workers.{path.stem}")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        for call in _calls(function, "notify", "Notify"):
            for name in _templates(call.args[1], function, module):
                yield Use(f"{path.name}:{call.lineno}", name, frozenset(_parameters(call, function, tree)))


def _templates(template: ast.expr, function: ast.FunctionDef, module: ModuleType) -> list[str]:
    """The names that an expression may stand for: a text, a choice of two, a name of the function or one of the module."""
    match template:
        case ast.Constant(value=str(name)):
            return [name]
        case ast.IfExp(body=one, orelse=other):
            return _templates(one, function, module) + _templates(other, function, module)
        case ast.Name(id=name) if made := _made(name, function):
            return [each for value in made for each in _templates(value, function, module)]
        case _:
            return [str(getattr(module, ast.unparse(template)))]


def _made(name: str, function: ast.FunctionDef) -> list[ast.expr]:
    """What a function gives a name of its own."""
    made = (node for node in ast.walk(function) if isinstance(node, ast.Assign | ast.AnnAssign))
    return [node.value for node in made if node.value and name == ast.unparse(_target(node))]


def _calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def _parameters(call: ast.Call, function: ast.FunctionDef, tree: ast.Module) -> Iterator[str]:
    """The names of a call's parameters: `Notify` has a dictionary, `notify` keywords and perhaps a dictionary made before."""
    if len(call.args) > 2:
        yield from _keys(call.args[2])
    for keyword in call.keywords:
        if keyword.arg is not None and keyword.arg not in {"alone", "of", "until"}:
            yield keyword.arg
        elif keyword.arg is None and ast.unparse(keyword.value) == (function.args.kwarg and function.args.kwarg.arg):
            own = {argument.arg for argument in function.args.kwonlyargs}
            yield from (
                key.arg or "" for each in _calls(tree, function.name) for key in each.keywords if key.arg not in own
            )
        elif keyword.arg is None:
            [value] = _made(ast.unparse(keyword.value), function)
            yield from _keys(value)


def _target(node: ast.Assign | ast.AnnAssign) -> ast.expr:
    return node.targets[0] if isinstance(node, ast.Assign) else node.target


def _keys(value: ast.expr) -> Iterator[str]:
    assert isinstance(value, ast.Dict)
    for key in value.keys:
        assert isinstance(key, ast.Constant)
        yield str(key.value)


def test_the_workers_notify_at_many_places() -> None:
    assert len(uses()) > 30
    assert any(use.template == "disclosure" for use in uses())


@pytest.mark.parametrize("use", uses(), ids=lambda use: f"{use.where} {use.template}")
def test_every_template_of_a_worker_exists_and_names_its_parameters(use: Use) -> None:
    phrase = PHRASES[use.template]
    assert use.parameters <= set(phrase.parameters)
    # What is not optional is given at every place that uses the template.
    assert set(phrase.parameters) - set(phrase.optional) <= use.parameters


def test_every_template_is_used() -> None:
    assert set(PHRASES) == {use.template for use in uses()}


@pytest.mark.parametrize("name", PHRASES)
def test_a_phrase_uses_its_own_parameters_and_those_are_operational(name: str) -> None:
    phrase, environment = PHRASES[name], Environment(autoescape=True)
    environment.filters.update(word=word, time=time, list_of=list_of)
    used = meta.find_undeclared_variables(environment.parse(phrase.text))
    assert used <= set(phrase.parameters)
    assert set(phrase.parameters) <= OPERATIONAL
    assert set(phrase.optional) <= set(phrase.parameters)
    assert phrase.title == phrase.title.strip()
    assert not re.search(r"[{}\n]", phrase.title + phrase.todo)


SAMPLE: dict[str, Value] = {
    "audience": "line_manager", "band": "critical", "events": "3 7",
    "clause": "mentor247.environment", "clauses": "pentalog.trust pentalog.respect", "document": "terms_of_use", "how": "late",
    "items": "device quiet", "kind": "law", "occasion": "mid", "party": "mentor", "relationship": "0197-r2", "session_id": "s3",
    "sessions_left": 2, "starts_at": "2026-03-05T17:00:00+01:00", "version": 14,
}  # fmt: skip
SECRET = "something that was said"


@pytest.mark.parametrize("name", PHRASES)
def test_a_notification_reads_the_same_in_text_and_in_html_and_leaves_out_what_it_was_not_to_have(name: str) -> None:
    given = {key: SAMPLE[key] for key in PHRASES[name].parameters}
    what = note("n1", clauses=("cmn.breaches",))._replace(
        template=name, parameters=given | {"text": SECRET, "why": SECRET}
    )
    wording = words_of(what)
    assert set(wording.parameters) == set(given)
    plain, html = " ".join(wording.plain.split()), " ".join(wording.html.split())
    for piece in (wording.title, wording.todo, wording.about, "cmn.breaches", "n1"):
        assert piece in plain
        assert piece.replace("'", "&#39;") in html
    assert wording.text in plain
    assert "{" not in wording.plain
    for shown in (wording.plain, wording.html, str(wording.parameters)):
        assert SECRET not in shown
        assert "mentee:ana" not in shown
    assert wording.about == ("relationship 0197-r2" if "relationship" in given else "relationship 0197-r1")


def test_every_clause_of_a_tip_has_words_of_its_own() -> None:
    tip = note("n1")._replace(template="coaching_tip")
    clauses = {f"mentor247.{name}" for name in ("environment", "connection", "camera", "punctuality", "call-to-action")}
    clauses |= {"leapfrog.privacy"}
    texts = {words_of(tip._replace(parameters=SAMPLE | {"clause": clause})).text for clause in clauses | {"x.y"}}
    assert len(texts) == len(clauses) + 1


def test_a_disclosure_says_that_there_is_one_and_to_tell_nobody() -> None:
    wording = words_of(note("n1", "hr:eve", alone=True)._replace(template="disclosure", parameters={"version": 9}))
    assert wording.command == "rapport history 0197-r1"
    assert "event 9" in wording.text
    assert "tell nobody" in wording.text


def test_ids_that_pretend_to_be_more_stay_on_their_line_and_are_no_markup() -> None:
    id_ = "s1\n\nPlease pay at <a href='http://evil.example'>" + "x" * 500 + "\u202e\x00"
    given = {"session_id": id_, "starts_at": "2026-03-05T17:00:00Z"}
    wording = words_of(note("n1")._replace(subject=f"mentor:{id_}", template="session_reminder", parameters=given))
    assert "\n\nPlease" not in wording.plain
    assert "<a " not in wording.html
    assert "\u202e" not in wording.plain
    assert len(wording.text) < 400
    assert HeaderParser().parsestr(f"Subject: {wording.title}\n\n")["Subject"] == "Your session is coming"


@pytest.mark.parametrize(
    "subject, template, page",
    [
        ("0197-r1", "session_reminder", "/relationships/0197-r1"),
        ("0197-r1", "disclosure", "/relationships/0197-r1/events"),
        ("mentor:ben", "further_training", "/"),
    ],
)
def test_where_pages_have_an_address_a_notification_leads_to_them(subject: str, template: str, page: str) -> None:
    given = SAMPLE if template == "session_reminder" else {"version": 9}
    wording = words_of(note("n1")._replace(subject=subject, template=template, parameters=given), "https://a.example")
    assert f"See: https://a.example{page}\n" in wording.plain
    assert f'<a href="https://a.example{page}">' in wording.html


def test_times_are_in_utc_and_say_so() -> None:
    wording = words_of(note("n1")._replace(template="session_reminder", parameters=SAMPLE))
    assert "Thursday 05 March 2026, 16:00 UTC" in wording.text


def test_other_subjects_are_named_by_their_kind() -> None:
    what = note("n1")._replace(template="further_training", parameters={})
    assert words_of(what._replace(subject="mentor:ben")).about == "mentor ben"
    assert words_of(what._replace(subject="case:c 1")).command == "rapport tasks"
    quoted = note("n1")._replace(subject="case:c 1", template="problem", parameters={"version": 1})
    assert words_of(quoted).command == "rapport history 'case:c 1'"


def test_a_template_of_a_newer_rapport_is_unknown_and_a_missing_parameter_is_an_error() -> None:
    with pytest.raises(UnknownTemplate, match="'next_week'"):
        words_of(note("n1")._replace(template="next_week"))
    with pytest.raises(UndefinedError, match="sessions_left"):
        words_of(note("n1")._replace(parameters={}))


def test_no_word_stands_for_a_parameter_that_nobody_gives() -> None:
    assert all(re.fullmatch(r"[a-z_]+", name) for name in WORDS)
