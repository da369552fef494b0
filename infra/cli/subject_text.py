"""A subject as people read it: what `rapport show` and `rapport history` print when nobody asks for JSON.

A coordinator who opens a relationship wants to know, in this order: who, how it stands, what comes next, what is agreed and
what is not settled, what is to be done. Nobody's own words are printed: goals, notes and reasons are content.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from infra.cli.output import print_table, print_text
from infra.cli.times import shown_time

Shown = Mapping[str, Any]
INDENT: Final = 16
# What the heading and the sections of a case or a programme say, and somebody's own words.
SAID_ELSEWHERE: Final = frozenset(
    [
        "id",
        "kind",
        "state",
        "version",
        "terms",
        "allowed",
        "possible",
        "created",
        "description",
        "decision_reason",
        "closing_reason",
    ]
)
_WORDS_OF_CASE: Final = ("description", "decision_reason", "closing_reason")
PARTIES: Final = ("mentee", "mentor", "customer", "line_manager", "supplier", "programme")


# --- a relationship ------------------------------------------------------------------------------------------------
def print_relationship(shown: Shown, *, every: bool) -> None:
    """Print a relationship, section by section; sections without anything to say are left out."""
    _print_heading(shown)
    _line("who", ", ".join(f"{_plain(party)} {shown[f'{party}_id']}" for party in PARTIES if shown[f"{party}_id"]))
    _line("codes", ", ".join(shown["codes"]) or "none")
    if shown["follows"]:
        _line("follows", shown["follows"])
    if shown["state"] == "contracting":
        _line("match", _match(shown))
    _print_course(shown)
    _print_agreed(shown["agreements"])
    _print_unsettled(shown, every=every)
    _print_tasks(shown["tasks"], every=every)
    _print_sessions(shown["sessions"], every=every)
    _print_terms(shown["terms"])
    _print_possible(shown["possible"])


def _match(shown: Shown) -> str:
    if shown["matched"]:
        return "accepted by mentee and mentor"
    answers = [f"{'accepted' if yes else 'declined'} by the {role}" for role, yes in shown["match"].items()]
    return ", ".join(answers) or "nobody has answered yet"


def _print_course(shown: Shown) -> None:
    """The plan, the next session, goals and health."""
    _heading("how it stands")
    plan = shown["plan"]
    done = f"{shown['completed_sessions']} of {shown['planned_sessions']} sessions completed"
    if plan:
        rhythm = f"every {plan['every_days']} days, {plan['minutes']} minutes, {_plain(plan['channel'])}"
        _line("plan", f"{done}; {rhythm}, {plan['starts_on']} to {plan['ends_on']}{_standing(plan)}")
    else:
        _line("plan", f"{done}; no plan is agreed")
    upcoming = shown["next_session"]
    if upcoming:
        _line(
            "next session",
            f"{upcoming['session_id']} on {shown_time(upcoming['starts_at'])}, {_plain(upcoming['channel'])}",
        )
    elif shown["state"] != "terminated":
        _line("next session", "none is scheduled")
    if shown["awaiting_outcome"]:
        _line("no outcome", f"nobody has said what became of {', '.join(shown['awaiting_outcome'])}")
    goals = [f"{goal['goal_id']} ({_plain(goal['type'])}, {goal['status']})" for goal in shown["goals"]]
    _line("goals", ", ".join(goals) or "none")
    _line("health", _health(shown["health"], shown["state"]))


def _health(health: Shown | None, state: str) -> str:
    if health is None or health["score"] is None:
        return "no score " + {"contracting": "before it is active", "terminated": "after the end"}.get(state, "here")
    parties = f"mentee {health['mentee_score']}, mentor {health['mentor_score']}"
    signals = ", ".join(dict.fromkeys(_plain(signal["signal"]) for signal in health["signals"]))
    return f"{health['score']}, {_plain(health['band'])} ({parties}){': ' + signals if signals else ''}"


def _print_agreed(agreed: Shown) -> None:
    lines: list[tuple[str, str]] = []
    if topics := list(dict.fromkeys(_plain(topic) for talk in agreed["contracting"] for topic in talk["covered"])):
        lines.append(("talked about", ", ".join(topics)))
    if terms := agreed["confidentiality"]:
        shared = [f"{_plain(each['data_class'])} with {_plain(each['audience'])}" for each in terms["shared"]]
        kept = f"; not {', '.join(map(_plain, terms['not_shared']))}" if terms["not_shared"] else ""
        lines.append(("shared", f"{', '.join(shared) or 'nothing'}{kept}{_standing(terms)}"))
    for report in agreed["reporting"]:
        rhythm = f" every {report['every_days']} days" if report["every_days"] else ""
        outputs = ", ".join(map(_plain, report["outputs"]))
        lines.append(("reporting", f"{outputs} to the {_plain(report['with_whom'])}{rhythm}{_standing(report)}"))
    for consent in agreed["consents"]:
        until = f" until {consent['until']}" if consent["until"] else ""
        what = f"the {_plain(consent['by'])} lets {_plain(consent['audience'])} have {_plain(consent['data_class'])}{until}"
        lines.append(("consent", what))
    for conflict in agreed["conflicts"]:
        how = "" if conflict["nature"] == "none" else ", mitigated" if conflict["mitigated"] else ", not mitigated"
        lines.append(
            ("conflict", f"{_plain(conflict['nature'])}, declared by the {_plain(conflict['declared_by'])}{how}")
        )
    for answer in (*agreed["accepted_terms"], *agreed["declined_terms"]):
        word = "accepted" if answer["accepted"] else "declined"
        version = answer["document_version"]
        of = f" {version}" if isinstance(version, str) else ""
        lines.append(("terms", f"{_plain(answer['document'])}{of} {word} by the {_plain(answer['by'])}"))
    _section("what is agreed", lines)


def _standing(agreed: Shown) -> str:
    """What is to be said of an agreement that is not simply agreed."""
    if agreed["status"] == "claimed":
        return f" (the {_plain(agreed['by'])}'s word, event {agreed['version']}: not confirmed)"
    return f" (event {agreed['version']} is contested)" if agreed["status"] == "contested" else ""


def _print_unsettled(shown: Shown, *, every: bool) -> None:
    """What is missing, claimed, contested or of concern."""
    gates = [(gate["clause"], gate["message"]) for gate in shown["unmet_gates"]]
    if gates:
        print_table(("clause", "what is missing before it can begin"), gates, title="unmet gates", every=every)
    lines = [("claimed", _claim(claim)) for claim in shown["claims"]]
    lines += [("contested", f"event {version}: correct it, or answer the contest") for version in shown["contested"]]
    for kind in ("concern", "recommendation"):
        for matter in shown[f"{kind}s"]:
            if matter["status"] == "open":
                evidence = f", evidence {_versions(matter['evidence'])}" if matter["evidence"] else ""
                lines.append(("concern" if kind == "concern" else "shutdown", f"{matter['clause']}{evidence}"))
    if shown["mentor_standing"] != "good":
        lines.append(("mentor", f"is {shown['mentor_standing']}"))
    _section("not settled", lines)
    found = [(f"event {one['version']}", _finding(one)) for one in shown["findings"]]
    _section("what went against a rule", found)


def _finding(finding: Shown) -> str:
    return f"{finding['code']} ({finding['clause']})" if finding.get("clause") else finding["code"]


def _claim(claim: Shown) -> str:
    matter, _, which = claim["matter"].partition(":")
    what = {
        "goal": f"goal {which}",
        "conversation": "contracting conversation",
        "reporting": f"reporting to {_plain(which)}",
    }
    who = f"by the {_plain(claim['by'])}, not confirmed by the {_plain(claim['waits_for'])}"
    return f"{what.get(matter, matter)} (event {claim['version']}) {who}"


def _print_tasks(tasks: Iterable[Shown], *, every: bool) -> None:
    rows = [
        (str(task["due"] or "no day")[:10], _plain(task["kind"]), _plain(task["owner"]), task["settled_by"])
        for task in tasks
    ]
    if rows:
        print_table(("due", "task", "who", "settled by"), rows, title="open tasks", every=every)


def _print_sessions(sessions: Iterable[Shown], *, every: bool) -> None:
    rows = [
        (each["session_id"], each["status"], shown_time(each["starts_at"]), each["minutes"], each["reschedules"], each["late_moves"])
        for each in sessions
    ]  # fmt: skip
    if rows:
        columns = ("session", "status", "starts at", "minutes", "moves", "late moves")
        print_table(columns, rows, title="sessions", every=every)


def _print_possible(possible: Mapping[str, list[str]]) -> None:
    """What each role may do now; what two parties, or the two of the office, may both do is said once."""
    left = {role: list(commands) for role, commands in possible.items()}
    lines: list[tuple[str, list[str]]] = []
    for pair in (("mentee", "mentor"), ("coordinator", "supplier")):
        if not left.keys() >= set(pair):
            continue
        both = [name for name in left[pair[0]] if name in left[pair[1]]]
        lines.append((f"{pair[0]} and {pair[1]}", both))
        lines += [(f"the {role} also", [name for name in left.pop(role) if name not in both]) for role in pair]
    lines += [("HR" if role == "hr" else f"the {_plain(role)}", commands) for role, commands in left.items()]
    _heading("what is possible now")
    for who, commands in lines:
        if commands:
            print_text(f"  {who}: {', '.join(commands)}", 4)


# --- others --------------------------------------------------------------------------------------------------------
def print_other(shown: Shown, *, every: bool) -> None:
    """Print a mentor, a conduct case, a programme or a person."""
    _print_heading(shown)
    if shown["kind"] == "mentor":
        _print_mentor(shown, every=every)
    elif shown["kind"] == "person":
        _print_person(shown, every=every)
    else:
        if not shown.get("created", True):
            _line("created", "no: nobody has sent CreateProgramme, so it has the defaults")
        for name, value in shown.items():
            if name not in SAID_ELSEWHERE and value not in (None, [], (), {}):
                _line(_plain(name.removesuffix("_id")), _cell(value))
    if "terms" in shown:
        _print_terms(shown["terms"])
    _print_possible(shown["possible"])


def _print_mentor(shown: Shown, *, every: bool) -> None:
    if not shown["registered"]:
        _line("registered", "no: nobody has sent RegisterMentor")
    for name in ("name", "programme_id"):
        if shown[name]:
            _line(_plain(name.removesuffix("_id")), str(_brief(shown[name])))
    for name, value in (shown.get("profile") or {}).items():
        _line(_plain(name), str(_brief(value)))
    _line("standing", f"{shown['standing']} everywhere")
    for programme, standing in shown["standings"].items():
        _line("", f"{standing} in {programme}")
    capacity = "no limit of their own" if shown["capacity"] is None else f"room for {shown['capacity']}"
    load = "1 relationship that has" if shown["load"] == 1 else f"{shown['load']} relationships that have"
    _line("load", f"{load} not ended; {capacity}")
    for training in shown["trainings"]:
        again = f", to be taken again by {training['due_on']}" if training["due_on"] else ""
        _line("training", f"{_brief(training['course'])}, completed on {training['completed_on']}{again}")
    for development in shown["developments"]:
        _line("development", f"{_brief(development['what'])}, {development['completed_on']}")
    rows = [
        (each["relationship_id"], each["state"], each["mentee_id"], _of_plan(each)) for each in shown["relationships"]
    ]
    if rows:
        columns = ("relationship", "state", "mentee", "sessions")
        print_table(columns, rows, title="relationships", every=every)


def _print_person(shown: Shown, *, every: bool) -> None:
    """The entry, as far as it was asked to be read, and the relationships."""
    if not shown["registered"]:
        _line("registered", "no: nobody has sent RegisterPerson")
    for name, value in shown["entry"].items():
        if value is not None:
            _line(_plain(name), str(_brief(value)))
    rows = [(each["relationship_id"], each["state"], ", ".join(each["roles"])) for each in shown["relationships"]]
    if rows:
        print_table(("relationship", "state", "as"), rows, title="relationships", every=every)


def _of_plan(each: Shown) -> str:
    planned = each["planned_sessions"]
    return f"{each['completed_sessions']} of {planned}" if planned else str(each["completed_sessions"])


def _print_terms(terms: Shown) -> None:
    changed = [
        (name, _cell(term["value"]), _plain(term["document"]), ", ".join(map(_plain, term["overruled"])) or "none")
        for name, term in terms.items()
        if term["document"]
    ]
    if changed:
        print_table(("term", "value", "set by", "overruled"), changed, title="terms other than the defaults")


def print_seen(shown: Shown) -> None:
    """Print a subject as a reader sees it: each thing on a line, what is sealed with its class and clause."""
    _print_heading(shown)
    for name, value in shown.items():
        if name not in {"id", "kind", "state", "version", "allowed", "possible", "terms"} and value not in (
            None,
            [],
            {},
        ):
            _line(_plain(name.removesuffix("_id")), str(_brief(value)))


def print_words(shown: Shown) -> None:
    """Print the words of a relationship or a case that were asked for: goals, what is kept confidential, what a case is about."""
    # Of goals that are sealed as a whole there are no words, and `print_seen` has said so.
    listed = shown.get("goals", ())
    goals = [] if isinstance(listed, dict) else [(goal["goal_id"], goal) for goal in listed]
    _section(
        "words",
        [
            *(
                (id_, str(_brief(goal[name])))
                for id_, goal in goals
                for name in ("title", "success_measure")
                if name in goal
            ),
            *((_plain(name), str(_brief(shown[name]))) for name in _WORDS_OF_CASE if shown.get(name)),
        ],
    )


# --- history ---------------------------------------------------------------------------------------------------------
def _brief(value: object) -> object:
    """A value of an event in a line: of sealed content its class, its clause, and whether it may be seen where that was asked."""
    if isinstance(value, list):
        return [_brief(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "erased" in value:
        return "(erased)"
    if "sealed" not in value:
        return {name: _brief(each) for name, each in value.items()}
    allowed = {True: ", allowed", False: ", not allowed", None: ""}[value.get("allowed")]
    return f"<{value['sealed']}, {value['clause'] or 'no clause'}{allowed}>"


def print_event(entry: Shown) -> None:
    """Print one event of a history: a line, and below it what is said against it and what it records."""
    name = (entry["type"] or "(withheld)").removeprefix("rapport.")
    print_text(f"{entry['version']:>4}  {shown_time(entry['occurred_at'])}  {name}  {entry['actor'] or ''}", 6)
    for finding in entry["findings"]:
        print_text(f"      ! against a rule: {_finding(finding)}", 8)
    if entry["contested"]:
        print_text("      ! contested", 8)
    if entry["corrected_by"]:
        print_text(f"      ! corrected by event {entry['corrected_by']}", 8)
    if "counts_as" in entry:
        print_text(f"      ! counts as {_facts(entry['counts_as']) if entry['counts_as'] else 'never recorded'}", 8)
    if facts := _facts(entry["data"]):
        print_text(f"      {facts}", 6)


def _facts(data: Shown) -> str:
    return ", ".join(f"{field}={_brief(value)}" for field, value in data.items())


# --- words -----------------------------------------------------------------------------------------------------------
def _print_heading(shown: Shown) -> None:
    print_text(
        f"{shown['kind']} {shown['id'].removeprefix(shown['kind'] + ':')}: {shown['state']}, version {shown['version']}",
        4,
    )


def _heading(title: str) -> None:
    print_text("")
    print_text(title)


def _section(title: str, lines: Iterable[tuple[str, str]]) -> None:
    found = list(lines)
    if found:
        _heading(title)
        last = None
        for name, value in found:
            _line("" if name == last else name, value)
            last = name


def _line(name: str, value: str) -> None:
    print_text(f"  {name:<{INDENT - 2}}{value}", INDENT)


def _plain(word: str) -> str:
    return "HR" if word == "hr" else word.replace("_", " ")


def _versions(versions: Iterable[int]) -> str:
    return ", ".join(map(str, versions))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return shown_time(value) if isinstance(value, datetime) else str(value)
