import re
from importlib import import_module
from importlib.resources import files

import pytest
from pydantic import ValidationError

from domain.codes.clauses import CLAUSES, CODES, cite, parse
from domain.model import Command
from domain.words import DATA_CLASSES

# Fixed for good: refusals, signals, concerns and tasks of years ago cite these.
KIND_OF_EACH = {
    "pentalog.goals": "gate",
    "pentalog.urgent-concerns": "practice",
    "pentalog.next-session": "signal, reaction",
    "pentalog.reschedule-with-ease": "guard",
    "pentalog.punctuality": "signal",
    "pentalog.attention": "practice, reaction",
    "pentalog.mentor-time": "practice",
    "pentalog.homework": "signal",
    "pentalog.off-goal": "signal",
    "pentalog.no-progress": "signal",
    "pentalog.hard-to-find-goal": "signal",
    "pentalog.frequent-reschedules": "signal",
    "pentalog.late-reschedules": "signal, reaction",
    "pentalog.trust": "gate, reaction",
    "pentalog.assessment-visible": "sharing",
    "pentalog.data-visible": "sharing",
    "pentalog.session-content": "sharing",
    "pentalog.mentee-own-progress": "sharing",
    "pentalog.mentor-free": "sharing",
    "pentalog.mentor-with-consent": "sharing",
    "pentalog.supplier-with-consent": "sharing",
    "pentalog.sensitive": "sharing",
    "pentalog.respect": "reaction",
    "pentalog.prevalence": "guard",
    "mentor247.terms": "gate, reaction",
    "mentor247.confidentiality": "sharing",
    "mentor247.first-session": "gate",
    "mentor247.surroundings": "practice",
    "mentor247.environment": "reaction",
    "mentor247.connection": "reaction",
    "mentor247.camera": "reaction",
    "mentor247.punctuality": "reaction",
    "mentor247.language": "practice",
    "mentor247.call-to-action": "reaction",
    "mentor247.on-platform": "reaction",
    "cmn.boundaries": "gate",
    "cmn.objectives": "gate",
    "cmn.contracting": "gate",
    "cmn.commitment-to-code": "gate",
    "cmn.timeframe": "gate",
    "cmn.conflict-of-interest": "gate",
    "cmn.pause-or-stop": "guard",
    "cmn.confidentiality-level": "gate",
    "cmn.reporting": "gate, reaction",
    "cmn.outputs": "sharing",
    "cmn.disclosure": "guard, reaction",
    "cmn.end-review": "reaction",
    "cmn.termination-discussed": "gate",
    "cmn.records": "reaction",
    "cmn.competence": "reaction",
    "cmn.inclusion": "practice",
    "cmn.ownership": "practice",
    "cmn.mentee-schedules": "practice",
    "cmn.homework-reviewed": "practice",
    "cmn.end-feedback": "reaction",
    "cmn.breaches": "reaction",
    "cmn.policy-breach": "reaction",
    "leapfrog.mentee-agenda": "practice",
    "leapfrog.role": "gate",
    "leapfrog.confidentiality": "sharing",
    "leapfrog.privacy": "guard, reaction",
    "leapfrog.competence": "reaction",
    "leapfrog.responsibility": "practice",
    "leapfrog.boundaries": "reaction",
    "leapfrog.protocols": "gate",
    "leapfrog.conflicts": "guard",
    "leapfrog.openness": "practice",
    "leapfrog.respect": "reaction",
    "leapfrog.notice": "signal",
    "leapfrog.time": "signal",
    "leapfrog.finish": "guard",
    "nottingham.profile": "sharing",
    "nottingham.contact-details": "guard, sharing",
    "nottingham.training": "gate",
    "nottingham.goals": "gate",
    "nottingham.regular-contact": "signal",
    "nottingham.coordinator-feedback": "reaction",
    "nottingham.problems": "reaction",
    "nottingham.confidentiality": "guard, sharing",
    "nottingham.remote": "guard",
    "nottingham.ways-of-working": "gate",
    "nottingham.compromising": "guard",
    "nottingham.further-training": "reaction",
    "nottingham.refer": "reaction",
    "nottingham.withdrawal": "guard",
    "nottingham.schedule": "gate",
    "nottingham.expectations": "gate",
    "nottingham.individual-needs": "practice",
    "nottingham.opinions": "practice",
    "nottingham.feedback-on-practice": "reaction",
    "nottingham.end": "guard, reaction",
    "care.trust": "reaction",
    "care.respect": "reaction",
    "care.breach": "reaction",
    "care.problem": "reaction",
    "care.conflict": "reaction",
    "care.disclosure": "reaction",
    "care.feedback": "reaction",
    "care.attention": "reaction",
    "care.stalled": "reaction",
    "care.rematch": "reaction",
    "care.closing": "reaction",
    "care.informed": "reaction",
    "care.standing": "reaction, guard",
    "care.commitment": "reaction",
    "care.contested": "reaction",
    "care.claims": "reaction",
}

SIGNALS = {
    "off_goal_work",
    "no_goal_progress",
    "no_goal",
    "frequent_reschedules",
    "late_reschedules",
    "homework_shortfall",
    "no_show",
    "unpunctual",
    "no_next_session",
    "out_of_contact",
    "trust_breakdown",
    "disrespect",
}


def bound(prefix: str) -> set[str]:
    names = (binding.split(":") for clause in CLAUSES.values() for binding in clause.binds)
    return {name for kind, name in names if kind == prefix}


def text_of(code: str) -> str:
    return files("domain.codes").joinpath(f"{code}.toml").read_text(encoding="utf-8")


def test_every_clause_has_its_fixed_id_and_kind() -> None:
    assert len(KIND_OF_EACH) == 107
    assert {clause.id: clause.kind for clause in CLAUSES.values()} == KIND_OF_EACH


def test_each_code_is_versioned() -> None:
    assert {code.id: code.version for code in CODES.values()} == dict.fromkeys(
        ("pentalog", "mentor247", "cmn", "leapfrog", "nottingham"), "1"
    )


def test_each_rule_is_one_sentence_of_its_own() -> None:
    rules = [clause.rule for clause in CLAUSES.values()]
    assert len(set(rules)) == len(rules)
    assert [rule for rule in rules if re.search(r"[.!?]\s", rule)] == []


def test_clauses_bind_signals_and_data_classes_that_exist() -> None:
    assert bound("signal") == SIGNALS
    assert bound("data") <= set(DATA_CLASSES)


def test_clauses_bind_commands_that_exist() -> None:
    for aggregate in ("relationship", "mentor", "case", "programme"):
        import_module(f"domain.{aggregate}.commands")
    commands = list(Command.__subclasses__())
    for command in commands:
        commands += command.__subclasses__()
    assert bound("command") <= {command.__name__ for command in commands}


def test_every_gate_binds_activation() -> None:
    gates = [clause for clause in CLAUSES.values() if "gate" in clause.kinds]
    assert [gate.id for gate in gates if not {"command:ActivateRelationship"} <= set(gate.binds)] == []


def test_every_sharing_clause_binds_a_data_class() -> None:
    sharing = [clause for clause in CLAUSES.values() if "sharing" in clause.kinds]
    assert [clause.id for clause in sharing if not any(b.startswith("data:") for b in clause.binds)] == []


def test_every_signal_clause_binds_a_signal() -> None:
    signals = [clause for clause in CLAUSES.values() if "signal" in clause.kinds]
    assert [clause.id for clause in signals if not any(b.startswith("signal:") for b in clause.binds)] == []


def test_citing_names_the_clauses_of_adopted_codes_alone_in_order() -> None:
    assert cite({"cmn", "pentalog"}, "pentalog.goals", "nottingham.goals", "cmn.objectives") == (
        "pentalog.goals",
        "cmn.objectives",
    )
    assert cite((), "pentalog.goals") == ()


def test_citing_an_unknown_clause_fails_even_when_no_code_is_adopted() -> None:
    with pytest.raises(KeyError, match=r"pentalog\.nonsense"):
        cite((), "pentalog.nonsense")


@pytest.mark.parametrize(
    "old, new, complaint",
    [
        pytest.param('id = "cmn.objectives"', 'id = "cmn.boundaries"', "twice", id="an id twice"),
        pytest.param('id = "cmn.objectives"', 'id = "pentalog.goals"', "not a clause of cmn", id="another code's id"),
        pytest.param('kinds = ["gate"]', 'kinds = ["gates"]', "kinds", id="an unknown kind"),
        pytest.param('kinds = ["gate"]', "kinds = []", "must be given", id="no kind"),
        pytest.param('kinds = ["gate"]', 'kinds = ["gate", "gate"]', "each once", id="a kind twice"),
        pytest.param('version = "1"', "version = 1", "version", id="a version that is no text"),
        pytest.param('"command:AgreeGoal"', '"AgreeGoal"', "binds", id="a binding that does not say what it is"),
        pytest.param("[[clauses]]", "[[clauses]]\ncolour = 1", "colour", id="an unknown field"),
        pytest.param('title = "', "title = 1 # ", "title", id="a title that is no text"),
    ],
)
def test_a_malformed_code_is_refused(old: str, new: str, complaint: str) -> None:
    text = text_of("cmn")
    assert old in text
    with pytest.raises(ValidationError, match=complaint):
        parse(text.replace(old, new, 1))


def test_a_file_that_is_no_toml_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid value"):
        parse("id = ")


# Tasks whose reason is a clause of care where no adopted code has one: its sentence is all that a coordinator reads.
ON_CARE_ALONE = {
    "care.attention": ["attention", "first_session", "session_outcome", "two_no_shows", "out_of_contact", "pause_review", "pause_too_long"],
    "care.breach": ["case_review", "case_escalation", "further_training"],
    "care.closing": ["plan_end", "erasure"],
}  # fmt: skip


@pytest.mark.parametrize("clause, kind", [(clause, kind) for clause, kinds in ON_CARE_ALONE.items() for kind in kinds])
def test_the_clause_on_which_a_task_may_stand_alone_names_it(clause: str, kind: str) -> None:
    assert f"task:{kind}" in CLAUSES[clause].binds


def test_the_sentences_of_care_speak_of_all_their_tasks() -> None:
    for clause, words in {"care.attention": "missed", "care.breach": "followed up", "care.closing": "erased"}.items():
        assert words in CLAUSES[clause].rule
