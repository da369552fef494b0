"""The fields that commands and events share: each with its form and the data class of what it holds."""

from typing import Annotated

from pydantic import Field

from domain.ids import GoalId, HomeworkId
from domain.model import Data, EachOnce, Holds, MaybeBlank, Name, ProcessText, Text, Vocabulary
from domain.words import Audience, Cause, Channel, DataClass, Party, Role, Topic

DataClassName = Annotated[DataClass, Holds("operational")]
AudienceName = Annotated[Audience, Holds("operational")]
RoleName = Annotated[Role, Holds("operational")]
GoalText = Annotated[Text, Holds("goals", "mentee")]
SessionText = Annotated[Text, Holds("session_content", "mentee")]
NoteText = Annotated[Text, Holds("session_content", "author")]
# A course that a mentor took.
Course = Annotated[Text, Holds("process", "mentor")]
# Which version of a document somebody accepted; people write what they like there.
DocumentVersion = Annotated[Name, Holds("process", "author")]
SafeText = Annotated[Text, Holds("safeguarding", "author")]
FeedbackText = Annotated[Text, Holds("feedback", "author")]
ChannelName = Annotated[Channel, Holds("schedule")]
CauseName = Annotated[Cause, Holds("schedule")]
PrivateTopic = Annotated[Text, Holds("challenges", "mentee")]
NextSteps = Annotated[MaybeBlank, Holds("process", "author")]
Roles = Annotated[tuple[Role, ...], EachOnce, Holds("operational")]
AttendingRoles = Annotated[tuple[Role, ...], EachOnce, Holds("attendance")]
FactVersion = Annotated[int, Field(ge=1), Holds("operational")]
AgreedBy = Annotated[tuple[Party, ...], EachOnce, Holds("operational")]
Topics = Annotated[tuple[Topic, ...], EachOnce, Holds("process_improvement")]
DataClasses = Annotated[tuple[DataClass, ...], EachOnce, Holds("operational")]
# The name of an event, written by Rapport.
EventName = Annotated[Name, Vocabulary("events"), Holds("operational")]
# Ids of clauses, written by Rapport or checked against the codes; a breach may be against a paragraph of something else.
ClauseName = Annotated[Name, Vocabulary("clauses"), Holds("operational")]
ClauseNames = Annotated[tuple[ClauseName, ...], EachOnce, Holds("operational")]
BreachClause = Annotated[Name, Holds("safeguarding", "author")]
Evidence = Annotated[tuple[Annotated[int, Field(ge=1)], ...], EachOnce, Holds("operational")]


class SharingTerm(Data):
    """One agreed exception to confidentiality: what goes to whom, how and when."""

    data_class: DataClassName
    audience: AudienceName
    how: ProcessText
    when: ProcessText


SharingTerms = Annotated[tuple[SharingTerm, ...], EachOnce, Holds("operational")]


class AgendaItem(Data):
    """One item of a session: its topic, who set it, the goal it served or the homework it discussed, the minutes it took."""

    topic: SessionText
    set_by: RoleName
    goal_id: GoalId | None = None
    homework_id: HomeworkId | None = None
    minutes: Annotated[int, Field(ge=0, le=1440), Holds("time_spent")]
    urgent_concern: Annotated[bool, Holds("process_improvement")] = False


class Objective(Data):
    """What became of one goal."""

    goal_id: GoalId
    outcome: GoalText
