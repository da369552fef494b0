"""Sentences of refusals and under figures that pages say in the reader's language. They are made in English, with values; here they have places for these.

A sentence is found by its shape, so what makes it needs no other language, and receipts, logs and the API keep their words. A
sentence that is not here is said in English. A test reads the code: it names each sentence that is missing here, and each that nothing says.
"""

import re
from collections.abc import Callable
from typing import Final

from infra.web.navigation import N_

REFUSALS: Final = (
    N_("expected a value, found none"),
    N_("expected no such field"),
    N_("no such relationship was proposed"),
    N_("mentee and mentor must be two people"),
    N_("no restriction is in force"),
    N_("the person has no entry that could be put right: send RegisterPerson"),
    N_("the case was closed with another reason"),
    N_("a case without a decision closes only with a reason"),
    N_("another case was opened under this id"),
    N_("no case was opened under this id"),
    N_("%(command)s is for %(allowed)s, not for %(role)s"),
    N_(
        "%(command)s is not possible while the relationship is %(state)s; what took place before may be told with the time at which it happened"
    ),
    N_("the %(role)s can't be the %(party)s of the same relationship: name another person"),
    N_("%(role)s has no consent for %(data)s to %(audience)s to take back"),
    N_("this relationship has no homework %(homework)s"),
    N_("this relationship has no session %(session)s"),
    N_("this relationship has no goal %(goal)s"),
    N_("the session has not ended yet: send it afterwards"),
    N_("the session has not started at the time of this message: send it once the session took place"),
    N_(
        "session %(session)s starts at %(time)s, which is still to come: tell what became of it afterwards, or first reschedule it to when it took place"
    ),
    N_("session %(session)s has started already: record what became of it, with CompleteSession or RecordNoShow"),
    N_("session %(session)s is %(state)s already: if that is wrong, have it corrected (CorrectFact)"),
    N_("session %(session)s exists already: reschedule it, or give another id"),
    N_("this overlaps with session %(session)s, scheduled for %(time)s"),
    N_("sessions use e-mail, telephone or a virtual meeting, not %(channel)s"),
    N_("a session is missed by mentee, mentor or both: without anybody else it still takes place"),
    N_("%(role)s joined, but is not among those present: add the role to present, or leave it out of joined"),
    N_("%(role)s said this; %(others)s must say so too"),
    N_("event %(event)s waits for the word of %(others)s, not of %(role)s"),
    N_("nothing of event %(event)s waits to be confirmed: it was confirmed, or a later agreement took its place"),
    N_("a line manager confirms reporting alone; a %(kind)s is for mentee and mentor to confirm"),
    N_("the report was settled already"),
    N_("there is no event %(event)s"),
    N_("only the person who stated a fact, a coordinator or a supplier corrects it: contest it (ContestFact)"),
    N_("a fact of this kind can't be corrected: send the command that says what holds now"),
    N_("you contested this fact (event %(event)s): leave it to somebody else in the office to settle it"),
    N_("you stated this fact as %(role)s: leave it to somebody else in the office to settle it"),
    N_("after the end of the relationship only the occasion `end` is possible"),
    N_("the relationship names no %(role)s"),
    N_("the relationship names no such person"),
    N_("mentee and mentor agree on a goal together: name both in agreed_by"),
    N_("mentee and mentor agree on a change together: name both in agreed_by"),
    N_("the %(role)s alone can't drop a goal: let the mentee drop it, or name both in agreed_by"),
    N_("this topic is not private"),
    N_("this touches a topic that the mentee keeps private: leave it out until the mentee opens it"),
    N_("say in next_steps what happens next"),
    N_("%(roles)s must be informed first: name them in informed once they are"),
    N_("the mentor is %(standing)s and gets no new sessions: have the mentor reinstated, or refer the mentee"),
    N_("the mentor is %(standing)s"),
    N_("%(role)s has not consented to the other party having their contact details"),
    N_("you are mentee or mentor of this relationship: leave its review to somebody else in the office"),
    N_("this report is against you: leave its review to somebody whom it is not about"),
    N_("you requested this erasure: leave it to somebody else in the office or HR to carry it out"),
    N_("a conduct case is open that needs this person's words: decide or close it first (DecideCase, CloseCase)"),
    N_("no disrespect is open"),
    N_("no breakdown of trust is open"),
    N_("the concern is about you: leave it to the other party, a coordinator or the supplier to resolve it"),
    N_("no reporting was agreed with the %(role)s, only with %(others)s: agree it first (AgreeReporting)"),
    N_("the period ends on %(day)s, a day that is still to come: give %(today)s or an earlier day"),
    N_("%(field)s is %(day)s, which is past: give %(today)s or a later day"),
    N_("until %(days)s days after the end"),
    N_("until %(days)s days after its end, which has not come"),
    N_("the records were secured until this day"),
    N_("%(what)s, at %(time)s, lies after the time of this message: record it once it has taken place"),
    N_("%(command)s is not possible while the relationship is %(state)s; it is possible while %(states)s"),
    N_(
        "%(command)s is not possible while the relationship is %(state)s; it is possible while %(states)s: report it by ReportProblem, or by ReportBreach where a code, a policy or the law was broken"
    ),
    N_("the relationship was proposed already; propose another one under another subject"),
    N_("%(actor)s can't act for %(subject)s"),
    N_("%(actor)s may ask for the erasure of their own data alone; the office asks for that of others"),
    N_("a worker may end a relationship only when its mentor was removed"),
    N_("the relationship names another %(role)s than %(actor)s"),
    N_("the person's data was erased, and no key is made for it again: take another id"),
    N_("expected %(person)s, whose entry this is"),
    N_("the person is registered with other details: send CorrectPerson"),
    N_("the programme exists as %(name)s, %(zone)s"),
    N_("the case is about %(whom)s: nobody settles a case about themselves"),
    N_("the case is %(status)s; EscalateCase is possible while it is open or escalated"),
    N_("the case was decided: %(decision)s"),
    N_("the case is closed; DecideCase is possible while it is open or escalated"),
    N_("the case is about %(whom)s, not about one mentor: decide other_measure and say which"),
    N_("nobody confirms their own training: leave it to somebody else in the office"),
    N_("it ends on %(day)s, which is yet to come: record it afterwards"),
    N_("the training ends on %(day)s, which is yet to come: confirm it afterwards"),
    N_("the mentor was removed, which is final, and can't be %(done)s"),
    N_("the mentor was removed from programme %(programme)s, which is final, and can't be %(done)s"),
    N_("nobody settles a matter about themselves: somebody else in the office reinstates you"),
    N_("the mentor is suspended everywhere: reinstate them without a programme_id"),
    N_("a compromising relationship (%(natures)s) can't be mitigated: end the relationship instead"),
    N_("no declared conflict of nature %(nature)s is without mitigation"),
    N_("no declared conflict is without mitigation"),
    N_("%(role)s had not joined by the time of this message: send it afterwards"),
    N_("nobody takes part in the mentoring as %(role)s: name who did, of %(roles)s"),
    N_(
        "nobody takes part in the mentoring as %(role)s: say who it is against, of %(roles)s, or tell it by ReportProblem"
    ),
    N_(
        "a session takes place with mentee and mentor, and %(missing)s %(was)s not there: record the no-show, or cancel"
    ),
    N_("event %(event)s is no agreement of two; name the version of an agreement that waits for your word"),
    N_("there is no event %(event)s; name the version of an agreement that waits for your word"),
    N_("there is no event %(event)s: the last event of this relationship is version %(last)s"),
    N_("there is no event %(event)s; for a review wait: %(waiting)s"),
    N_("this discloses it to yourself: name somebody else as the recipient"),
    N_("%(clause)s is not in force here: expected a clause of %(codes)s"),
    N_("expected the id of a clause, CODE.CLAUSE; did you mean %(clause)s?"),
    N_("expected the id of a clause, CODE.CLAUSE; `rapport codes list` shows them all"),
    N_("event %(event)s is not an open contest: answer one of %(open)s"),
    N_("event %(event)s is not an open contest: none is open"),
    N_("this fact is about you: leave it to somebody else in the office to settle it"),
    N_("the office corrected this fact (event %(event)s): contest it instead (ContestFact)"),
    N_(
        "a friendship, family or sexual relationship was declared, which rules the relationship out: only a coordinator or a supplier corrects that: contest it instead (ContestFact)"
    ),
    N_("event %(event)s came with event %(first)s: correct that one"),
    N_("only the respondent voids an NPS answer: ask the respondent to do so"),
    N_("an NPS answer can't be put into other words: void it, and answer again"),
    N_("a move can't be voided, only corrected in its cause and on_behalf_of: move the session again"),
    N_("only the cause and on_behalf_of of a move can be corrected: leave this as it was recorded"),
    N_("this names what the fact is about: leave it as it was recorded, or void the fact and tell the right one"),
    N_("events %(others)s and %(last)s rely on what was recorded (%(reasons)s); correct or void them first"),
    N_("event %(event)s relies on what was recorded (%(reasons)s); correct or void it first"),
    N_(
        "no earlier relationship %(relationship)s of this mentee is recorded: name the one that ended, or leave follows out"
    ),
    N_("no adopted code permits a disclosure under the exception %(exception)s: seek the other party's agreement"),
    N_("under the exception %(exception)s it may be told to %(recipients)s, not to %(recipient)s"),
    N_("event %(event)s is no request to erase this person: give the version of one (RequestErasure)"),
    N_(
        "a legal hold stands against the erasure of this person (event %(event)s): once it is over, a coordinator, the supplier or hr lifts it by RequestErasure with the basis legal_duty and no legal_hold"
    ),
    N_("a legal hold is set by coordinator, supplier or hr, not by a %(role)s: leave it out"),
    N_("the legal hold is on your own data: leave it to somebody else in the office or HR to lift it"),
    N_("the adopted codes ask no question about %(clause)s, only about %(clauses)s"),
    N_("assessment %(assessment)s was recorded with another result: give another id"),
    N_("goal %(goal)s was dropped, and its id is used: choose a new goal_id"),
    N_(
        "goal %(goal)s was agreed before, in other words or with other fields: revise it (ReviseGoal), or choose a new goal_id"
    ),
    N_("no assessment %(assessment)s is recorded: record it first, or leave it out"),
    N_(
        "goal %(goal)s is %(status)s already, and only an open goal can be %(done)s: agree on what is wanted now under a new goal_id (AgreeGoal)"
    ),
    N_("goal %(goal)s was dropped: choose a new goal_id, agree on it (AgreeGoal), and record progress on that"),
    N_("expected no on_behalf_of from a %(role)s, who asks in their own name; it is for %(roles)s"),
    N_("on_behalf_of names who asked for it, one of %(roles)s; leave it out where it was nobody's wish"),
    N_("you made this disclosure: leave its review to somebody else in the office"),
    N_("homework %(homework)s is assigned already: give another id"),
    N_(
        "a party restores only trust that it reported to be broken itself: leave it to the person who did, a coordinator or the supplier"
    ),
    N_("this is against you: leave it to a coordinator, the supplier or hr whom it is not against"),
    N_("a party dismisses only what it reported itself: leave it to a coordinator or the supplier"),
    N_("no %(kind)s is open"),
    N_("no %(kind)s about %(clause)s is open"),
    N_("hr dismisses only what is about disrespect: name that clause, or leave it to a coordinator or the supplier"),
    N_("%(document)s sets no %(term)s for this relationship that could be withdrawn"),
    N_("%(document)s sets no %(term)s for this programme that could be withdrawn"),
    N_("%(term)s is a whole number of %(unit)s from %(least)s to %(most)s"),
    N_("%(term)s is a number of %(unit)s from %(least)s to %(most)s"),
    N_("there is no term %(term)s; did you mean %(near)s?"),
    N_("there is no term %(term)s; the terms are %(terms)s"),
    N_("%(better)s would be %(number)s, under %(worse)s at %(other)s; set the other one first"),
    N_("expected no leap second: give the second before it, :59"),
    N_("expected a time as RFC 3339 writes it, with T, seconds and an offset, such as 2026-03-02T09:00:00Z"),
    N_("expected a day such as 2026-03-02"),
    N_("expected a time not more than 5 minutes after %(time)s"),
    N_("expected the same content as before under this source and id, or another id"),
    N_("expected version %(expected)s, the last event of the subject has %(last)s"),
    N_("expected whom the case is about, as role:id, or a mentor_id"),
    N_("expected either a mentor_id or about, not two people"),
    N_("expected role:id, with one of the roles %(roles)s"),
    N_("expected a time whose year is from %(first)s to %(last)s in UTC"),
    N_("expected a year from %(first)s to %(last)s"),
    N_("expected an e-mail address, such as ana@example.org"),
    N_("expected a language tag, such as ro or de-AT"),
    N_("expected at least one field to put right"),
    N_("expected the name of a time zone, such as Europe/Bucharest"),
    N_("expected a day not before starts_on"),
    N_("expected a day not before period_from"),
    N_("expected a time after started_at"),
    N_("expected no class that shared lets somebody have, found %(classes)s"),
    N_("expected an e-mail address, a telephone number, or both"),
    N_("expected a title, a success_measure, or both"),
    N_("expected either a homework_id or a session_id"),
    N_("expected either data, the whole data of the corrected fact, or void = true"),
    N_(
        "expected an id of 1 to 64 characters: letters A to Z and a to z, digits, dots, underscores and hyphens, beginning with a letter or a digit"
    ),
    N_(
        "expected an id of 1 to 64 characters: letters A to Z and a to z, digits, dots, underscores and hyphens, beginning with a letter or a digit; names and addresses belong into the person's own entry, not into an id"
    ),
    N_("expected a text that says something, found a blank one"),
    N_("expected a text that says something, found a blank one; leave the field out if there is nothing to say"),
    # What pydantic finds in a field, in the words of `domain.form`.
    N_("expected at least %(least)s character"),
    N_("expected at most %(most)s characters"),
    N_("expected a finite number"),
    N_("expected a valid number"),
    N_("expected a valid integer"),
    N_("expected a valid date"),
    N_("expected a valid datetime"),
    N_("expected greater than or equal to %(least)s"),
    N_("expected less than or equal to %(most)s"),
    # What pages themselves refuse.
    N_("expected a form: %(kind)s"),
    N_("expected a form of at most %(most)s bytes"),
    N_("expected a form in UTF-8 with at most 500 fields"),
    N_("expected the ground on which you ask"),
    N_("there is no such %(what)s"),
    N_("expected one of your roles"),
    N_("signing in is not set up for this address: the operator has to set RAPPORT_PUBLIC_URL"),
    N_("too many tries to sign in: try again in %(seconds)s s"),
    N_("expected the reason for which content is read, in at most 500 letters"),
    N_("other relationships are being verified: try again in a moment"),
    N_("this is for %(roles)s"),
    N_("expected a number, such as 24 or 7.5"),
    N_("the whole record is of all programmes, and you audit some: verify their relationships one by one"),
    N_("this form is not from a page of your session, or your session has ended: open the page again and send it anew"),
    N_("this dataset is for other roles"),
    N_("analysts read figures and datasets, no single relationship"),
    N_("line managers see the state of a relationship, its dates and the agreed reporting"),
    N_("you have no role in Rapport: ask your programme's coordinator for one"),
    N_("nothing is recorded of you"),
    N_("expected a day, such as 2026-03-05"),
)
# What is said under figures.
OF_FIGURES: Final = (
    N_("%(count)s %(what)s is hidden: of fewer than %(minimum)s mentees, or such a one would follow."),
    N_("%(count)s %(what)s are hidden: of fewer than %(minimum)s mentees, or such a one would follow."),
    N_("%(count)s %(what)s is hidden: of fewer than %(minimum)s mentees, or such a group would follow."),
    N_("%(count)s %(what)s are hidden: of fewer than %(minimum)s mentees, or such a group would follow."),
    N_("%(count)s %(what)s is hidden: fewer than %(minimum)s mentees, or such a band would follow."),
    N_("%(count)s %(what)s are hidden: fewer than %(minimum)s mentees, or such a band would follow."),
    N_("%(count)s %(what)s is hidden: fewer than %(minimum)s mentees met it, or did not."),
    N_("%(count)s %(what)s are hidden: fewer than %(minimum)s mentees met it, or did not."),
    N_("%(count)s %(what)s is hidden: fewer than %(minimum)s mentees' parties answered, or did not."),
    N_("%(count)s %(what)s are hidden: fewer than %(minimum)s mentees' parties answered, or did not."),
    N_("%(count)s %(what)s is hidden: too few different people answered, or such a group would follow."),
    N_("%(count)s %(what)s are hidden: too few different people answered, or such a group would follow."),
    N_("Beyond the limits: %(outside)s of %(count)s %(months)s."),
    N_("early_if_answered, early_if_silent: the share of their relationships that ended early by now."),
    N_("The gate that is met last most often: %(gate)s."),
    N_("Of %(count)s %(what)s that had come to day %(day)s, what happened up to day %(end)s."),
    N_("To judge the score takes outcomes of both kinds, each of at least %(minimum)s mentees."),
    N_("AUC of the day-%(day)s score for ending early: %(auc)s (0.5: tells nothing, 1: tells all)."),
    N_("Endings that count: all but %(reasons)s."),
    N_("Endings that count: all."),
    N_("Log-rank test between the groups: chi-square %(statistic)s with %(degrees)s degrees of freedom, p = %(p)s."),
    N_("day_30, day_90, day_180: the share that had not ended early by then, once all of the month have come so far."),
    N_("Of those who have come to a step, how many to the next; relationships that still go on may come further."),
    N_("A group is a mentor's answers of a month; hidden ones are too small to be shown and don't count in the share."),
    N_(
        "%(count)s %(mentors)s; active or paused relationships of each: median %(median)s, most %(most)s. At or over their own capacity: %(full)s."
    ),
)
# Words that stand in the places of these sentences alone.
_WORDS: Final = (
    N_("reinstated"),
    N_("registered"),
    N_("revised"),
    N_("concern"),
    N_("recommendation"),
    N_("escalated"),
    N_("closed"),
    N_("decided"),
    N_("event"),
    N_("events"),
    N_("was"),
    N_("were"),
    N_("months"),
    N_("relationship"),
    N_("count"),
    N_("counts"),
    N_("groups"),
    N_("signals"),
    N_("reasons"),
    N_("bands"),
    N_("gates"),
    N_("questions"),
    N_("scores"),
    N_("mentor"),
    N_("days"),
    N_("points"),
    N_("programme document"),
    N_("the conversation"),
    N_("the check"),
)
# What stands between two words of a list.
_JOINTS: Final = (N_("and"), N_("or"))
_PLACE: Final = re.compile(r"%\((\w+)\)s")
_DECIMAL: Final = re.compile(r"-?\d+\.\d+")
LONGEST: Final = 1_000
# What stands between several words in a place.
_BETWEEN: Final = re.compile(r"(, | and | or )")
# What is said of one of several events, by its number.
_OF_EVENT: Final = re.compile(r"(\d+): (.+)", re.DOTALL)


def _shape(sentence: str) -> re.Pattern[str]:
    parts = _PLACE.split(sentence)
    found = "".join(f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return re.compile(found, re.DOTALL)


def _own_words(sentence: str) -> int:
    return len(_PLACE.sub("", sentence))


# The one with the most words of its own first: another may take these for a value.
SHAPES: Final = tuple(
    (sentence, _shape(sentence))
    for sentence in sorted((*REFUSALS, *OF_FIGURES), key=_own_words, reverse=True)
    if "%(" in sentence
)


def translated(message: str, gettext: Callable[[str], str]) -> str:
    """A sentence in another language, with its values in place; as it is where it is none of these."""
    # Words alone are many on a page, and no sentence; what is longer holds what somebody made up, and would take long.
    for sentence, shape in SHAPES if " " in message and len(message) <= LONGEST else ():
        if found := shape.fullmatch(message):
            values = {name: _words(value, gettext) for name, value in found.groupdict().items()}
            return gettext(sentence) % values
    return message


def _words(value: str, gettext: Callable[[str], str]) -> str:
    """A value with the words of ours in it, or with what is said of each of several events; ids and times stay."""
    of_events = [_OF_EVENT.fullmatch(part) for part in value.split("; ")]
    if all(of_events):
        return "; ".join(f"{found[1]}: {translated(found[2], gettext)}" for found in of_events if found)
    parts = (part.partition(part.strip()) for part in _BETWEEN.split(value) if part)
    return "".join(before + _word(word, gettext) + after for before, word, after in parts)


def decimal(number: str, gettext: Callable[[str], str]) -> str:
    """A number as a language writes it: 7.5 is 7,5 in German."""
    whole, point, rest = number.partition(".")
    return gettext(N_("%(whole)s.%(rest)s")) % {"whole": whole, "rest": rest} if point else number


def _word(word: str, gettext: Callable[[str], str]) -> str:
    if _DECIMAL.fullmatch(word):
        return decimal(word, gettext)
    spaced = word.replace("_", " ")
    found = gettext(spaced)
    return word if found == spaced else found
