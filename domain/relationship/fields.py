"""The fields that commands and events share: each with its form and the data class of what it holds."""

from typing import Annotated

from pydantic import Field

from domain.ids import GoalId, HomeworkId
from domain.model import Data, EachOnce, Holds, MaybeBlank, OperationalText, Text
from domain.words import Audience, Cause, Channel, DataClass, Party, Role, Topic

DataClassName = Annotated[DataClass, Holds("operational")]
AudienceName = Annotated[Audience, Holds("operational")]
RoleName = Annotated[Role, Holds("operational")]
GoalText = Annotated[Text, Holds("goals")]
SessionText = Annotated[Text, Holds("session_content")]
SafeText = Annotated[Text, Holds("safeguarding")]
FeedbackText = Annotated[Text, Holds("feedback")]
ChannelName = Annotated[Channel, Holds("schedule")]
CauseName = Annotated[Cause, Holds("schedule")]
PrivateTopic = Annotated[Text, Holds("challenges")]
NextSteps = Annotated[MaybeBlank, Holds("operational")]
Roles = Annotated[tuple[Role, ...], EachOnce, Holds("operational")]
AttendingRoles = Annotated[tuple[Role, ...], EachOnce, Holds("attendance")]
FactVersion = Annotated[int, Field(ge=1), Holds("operational")]
AgreedBy = Annotated[tuple[Party, ...], EachOnce, Holds("operational")]
Topics = Annotated[tuple[Topic, ...], EachOnce, Holds("process_improvement")]
DataClasses = Annotated[tuple[DataClass, ...], EachOnce, Holds("operational")]
Evidence = Annotated[tuple[Annotated[int, Field(ge=1)], ...], EachOnce, Holds("operational")]


class SharingTerm(Data):
    """One agreed exception to confidentiality: what goes to whom, how and when."""

    data_class: DataClassName
    audience: AudienceName
    how: OperationalText
    when: OperationalText


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
