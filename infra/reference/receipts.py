"""The reference of receipts: each status, what uses an id, when to send again, and every code of a problem."""

from collections.abc import Iterator
from typing import Final, get_args

from infra.intake.form_problems import MAX_PROBLEMS
from infra.intake.receipt import BAD, KEPT, Status
from infra.problem_codes import CODES, SPEAKERS
from infra.reference.markdown import MADE, code, table

_HEAD = f"""# Receipts

{MADE}

Every message gets one receipt, in the order of the messages:

```json
{{"source":"/services/booking","id":"bk-81f2","subject":"6f1e…","status":"refused","events":[],
 "problems":[{{"code":"gate","clause":"cmn.timeframe","message":"no plan of sessions is agreed","field":null}}]}}
```

`events` lists the type and version of each event that was recorded. `problems` lists everything that is wrong: a `code` for
programs, the `clause` of the code of conduct that spoke (or null), a `message` for people, and the `field` (or null). A duplicate
has `first_status` too. Codes are stable; messages are not. A receipt lists at most {MAX_PROBLEMS} problems; one more, `more`, counts the rest.

`source` and `id` together identify a message. Once an id is used, the same message sent again is answered `duplicate` with the
rest of its first receipt, and records nothing. Another message under a used id is `invalid` (`id_reused`).
"""
_STATUSES: Final[dict[Status, tuple[str, str]]] = {
    "accepted": (
        "The message is recorded. Without events, the record said so already.",
        "Never needed. If you did not get the receipt, send the same message again: it is a `duplicate`.",
    ),
    "duplicate": ("The message was answered before. Nothing new is recorded.", "Never needed. Act on `first_status`."),
    "refused": (
        "The rules say no, or the sender may not send this.",
        "When the reason is gone, under a new id. If the check of senders refused it, the same message under the same id.",
    ),
    "invalid": (
        "The message is malformed.",
        "Corrected, under the same id. With `internal`, `unreadable` or `not_recorded`, the same message unchanged, later.",
    ),
    "conflict": (
        "`expectedversion` is not the version of the subject's last event.",
        "After you have read the subject again and decided again, under a new id.",
    ),
    "dead_lettered": (
        "Over Kafka alone: the message is invalid, and was put aside on the topic of dead letters.",
        "As for `invalid`: by its sender, or by an operator with `rapport dead-letters resubmit`.",
    ),
}
# What an id is used by, where the status alone does not decide it.
_USES: Final[dict[Status, str]] = {
    "duplicate": "was used before",
    "refused": "yes, unless the check of senders refused it",
}


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_HEAD, *_statuses(), *_codes()]).rstrip() + "\n"


def _statuses() -> Iterator[str]:
    yield "## Statuses\n"
    rows = []
    for status in get_args(Status):
        meaning, again = _STATUSES[status]
        uses = _USES.get(status, "yes" if status in KEPT else "no")
        rows.append((code(status), meaning, uses, again, "1" if status in BAD else "0"))
    columns = ("status", "meaning", "uses its id", "send again", "`rapport submit` exits")
    # `rapport submit` reads files, which nothing is put aside from.
    yield from table(columns, [(*row[:4], "") if row[0] == code("dead_lettered") else row for row in rows])
    yield ""


def _codes() -> Iterator[str]:
    yield "## Codes of problems\n"
    yield "A new version of Rapport may add codes. Treat a code that you do not know by the status of its receipt.\n"
    for speaker, (title, doc) in SPEAKERS.items():
        yield f"### {title}\n\n{doc}\n"
        rows = [(code(name), each.meaning, each.remedy) for name, each in CODES.items() if each.speaker == speaker]
        yield from table(("code", "meaning", "what to do"), rows)
        yield ""
