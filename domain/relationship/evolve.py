"""The fold: a state and a recorded event give the next state. History is never refused."""

from collections.abc import Callable, Iterable
from typing import Any, Final, get_args

from domain.model import NOTHING_KNOWN, AnyRecorded, Event
from domain.relationship import events as e
from domain.relationship.accountability import ANSWERED_FOR, answering
from domain.relationship.agreements import fold_agreement
from domain.relationship.concerns import fold_concern
from domain.relationship.contests import fold_correction
from domain.relationship.feedback import fold_feedback
from domain.relationship.goals import fold_goal
from domain.relationship.sessions import fold_session
from domain.relationship.state import Draft, Relationship, repeat_key
from domain.relationship.status_changes import fold_status

# Events that change nothing in the state by which a repeat could be recognised: the key of the latest of each is kept.
REPEATABLE: Final = frozenset(
    {
        e.ConflictOfInterestDeclared,
        e.ContractingConversationRecorded,
        e.ContactDetailsShared,
        e.GoalRevised,
        e.GoalProgressRecorded,
        e.PresessionCheckRecorded,
        e.SessionNoteRecorded,
        e.ContactRecorded,
        e.NpsResponded,
        e.FeedbackGiven,
        e.TestimonialGiven,
        e.SuccessStoryRecorded,
        e.TrustBreakdownReported,
        e.DisrespectReported,
        e.ProblemReported,
        e.BreachReported,
        e.ConfidenceDisclosed,
        e.MenteeReferred,
        e.MenteeSignposted,
        e.RelationshipPostponed,
        e.RelationshipReviewed,
        e.ReportShared,
        e.EndReviewRecorded,
    }
)

# Of these a state keeps the key of the latest and nothing else. A fold of a long stream may leave out the earlier ones,
# except those that recorded a new programme term or mentor standing (`known`).
TRACELESS: Final = REPEATABLE - {
    e.ConflictOfInterestDeclared,
    e.ContractingConversationRecorded,
    e.GoalRevised,
    e.TrustBreakdownReported,
    e.DisrespectReported,
    e.ProblemReported,
    e.BreachReported,
    e.ConfidenceDisclosed,
    e.EndReviewRecorded,
}

# Each theme folds a closed union and is checked to be total; this only finds the theme of an event in one look-up.
_FOLDS: Final[dict[type[Event], Callable[[Relationship, Any, AnyRecorded], Relationship]]] = {
    event: fold
    for union, fold in (
        (e.AgreementEvent, fold_agreement),
        (e.GoalEvent, fold_goal),
        (e.SessionEvent, fold_session),
        (e.FeedbackEvent, fold_feedback),
        (e.ConcernEvent, fold_concern),
        (e.CorrectionEvent, fold_correction),
        (e.StatusEvent, fold_status),
    )
    for event in get_args(union)
}


def evolve(state: Relationship | None, recorded: AnyRecorded) -> Relationship:
    """The state after an event of the effective history (`corrections.effective`); a correction itself changes no fact here.

    Raises:
        ValueError: the first event of a stream is no proposal (the stream is not a relationship's).
    """
    event: e.RelationshipEvent = recorded.data
    if state is None:
        if not isinstance(event, e.RelationshipProposed):
            raise ValueError(f"{recorded.subject} begins with {type(event).__name__}, not with a proposal")
        return _proposed(event, recorded)
    kind = type(event)
    folded = state if kind in TRACELESS else _FOLDS[kind](state, event, recorded)
    # Nobody else holds this copy yet, so it is finished in place.
    after = folded.but() if folded is state else folded
    fields = after.__dict__
    fields["version"] = recorded.version
    if recorded.known is not None:
        fields["known"] = recorded.known
    if kind in ANSWERED_FOR and (parties := answering(after, event, recorded)):
        fields["answers_for"] = after.entered("answers_for", recorded.version, parties)
    if kind in REPEATABLE:
        fields["latest"] = after.entered("latest", kind, repeat_key(event, recorded.occurred_at, recorded.actor))
    return after


def replay(history: Iterable[AnyRecorded]) -> Relationship | None:
    """The state after a whole effective history, the same that `evolve` gives step by step. None where nothing happened.

    Raises:
        ValueError: the first event is no proposal.
    """
    events = iter(history)
    if (first := next(events, None)) is None:
        return None
    draft = Draft.of(evolve(None, first))
    for recorded in events:
        evolve(draft, recorded)
    return draft.freeze()


def _proposed(event: e.RelationshipProposed, recorded: AnyRecorded) -> Relationship:
    return Relationship(
        subject=recorded.subject,
        version=recorded.version,
        status="contracting",
        programme_id=event.programme_id,
        mentee_id=event.mentee_id,
        mentor_id=event.mentor_id,
        customer_id=event.customer_id,
        line_manager_id=event.line_manager_id,
        supplier_id=event.supplier_id,
        codes=event.codes,
        follows=event.follows,
        known=recorded.known or NOTHING_KNOWN,
    )
