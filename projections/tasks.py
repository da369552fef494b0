"""`tasks`: what people have to do. The workers keep a table of them themselves; here is what of it people read."""

from typing import Final

from projections.dataset import POSITION, Column, Dataset

# The table of the workers behind it.
WORKER_TASKS: Final = "worker_tasks"

TASKS: Final = Dataset(
    "tasks",
    "One row a task: what somebody has to do, why, by when, and which command settles it. Open ones have no closed_at.",
    (
        Column("task_id", "text", "The task."),
        Column(
            "subject",
            "text",
            "What it is about: a relationship, mentor or case, as messages name it.",
            "identity",
            reference=True,
        ),
        Column("kind", "text", "What is to be done."),
        Column("clause", "text", "The first of the clauses that ask for it."),
        Column("clauses", "texts", "All of them."),
        Column("since", "time", "Since when."),
        Column("due", "time", "By when."),
        Column("evidence", "integers", "The versions of the events that it rests on."),
        Column("settled_by", "texts", "The commands that settle it; the first is the usual one."),
        Column("about", "text", "The person, session or clause that distinguishes tasks of a kind.", "identity"),
        Column("owner", "text", "The role that is to do it."),
        Column("programme_id", "text", "The programme of the relationship that it is about."),
        Column("mentee_id", "text", "The mentee of that relationship.", "identity"),
        Column("mentor_id", "text", "The mentor of that relationship, or whom it is about.", "identity"),
        Column("closed_at", "time", "When it was done or became pointless."),
        POSITION,
    ),
    ("task_id",),
)
