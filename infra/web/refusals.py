"""Sentences of refusals that pages say in the reader's language. The rules make them in English, with values; here they stand with places for these.

A sentence is found by its shape, so the rules need no other language, and receipts, logs and the API keep their words. A refusal
that is not here is said in English. A test holds each sentence against the code that makes it.
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
    N_("event %(event)s is not an open contest: %(open)s"),
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
    N_("%(term)s is %(number)s of %(unit)s from %(least)s to %(most)s"),
    N_("until %(days)s days after the end"),
    N_("until %(days)s days after its end, which has not come"),
    N_("the records were secured until this day"),
)
# What stands between two words of a list.
_JOINTS: Final = (N_("and"), N_("or"))
_PLACE: Final = re.compile(r"%\((\w+)\)s")
# What stands between several words in a place.
_BETWEEN: Final = re.compile(r"(, | and | or )")


def _shape(sentence: str) -> re.Pattern[str]:
    parts = _PLACE.split(sentence)
    found = "".join(f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return re.compile(found, re.DOTALL)


_SHAPES: Final = tuple((sentence, _shape(sentence)) for sentence in REFUSALS if "%(" in sentence)


def translated(message: str, gettext: Callable[[str], str]) -> str:
    """A refusal in another language, with its values in place; as it is where it is none of these."""
    for sentence, shape in _SHAPES:
        if found := shape.fullmatch(message):
            values = {name: _words(value, gettext) for name, value in found.groupdict().items()}
            return gettext(sentence) % values
    return message


def _words(value: str, gettext: Callable[[str], str]) -> str:
    """A value with the words of ours in it; ids and times stay."""
    parts = (part.partition(part.strip()) for part in _BETWEEN.split(value) if part)
    return "".join(before + _word(word, gettext) + after for before, word, after in parts)


def _word(word: str, gettext: Callable[[str], str]) -> str:
    spaced = word.replace("_", " ")
    found = gettext(spaced)
    return word if found == spaced else found
