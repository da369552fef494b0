"""The reference of limits: how large, how many, how long, each from the constant that the code holds to."""

from collections.abc import Iterator
from typing import Any, Final, get_args

from domain.ids import ID
from domain.model import FIRST_YEAR, LAST_YEAR, TEXT_MAX, Name
from domain.terms import PREVALENCE, TERMS
from infra.cli.output import ROWS
from infra.http import bodies, connection, edge, facts, log_head, serving
from infra.intake import proof
from infra.intake.batch import AHEAD
from infra.intake.form_problems import LEAST, MAX_DEPTH, MAX_ITEMS, MAX_PROBLEMS, MOST
from infra.intake.group_commit import MAX_BATCH, MAX_BATCH_BYTES, MAX_WAITING
from infra.intake.lines import MAX_LINES
from infra.intake.message import KEY_BYTES, MAX_BYTES, Label
from infra.kafka import answers, compression, fetching, record_batches
from infra.notifications import deliver, webhook
from infra.notifications.wording import LONGEST as TITLE_LENGTH
from infra.reference.markdown import MADE, code, table

Limit = tuple[str, str, str]


def longest(annotation: Any) -> int:
    """Return the most characters that an annotated text may have.

    Raises:
        LookupError: The annotation has no such limit.
    """
    for each in get_args(annotation):
        if (limit := getattr(each, "max_length", None)) is not None:
            return int(limit)
    raise LookupError(f"{annotation} has no greatest length")


def size(bytes_: int) -> str:
    """Return a number of bytes as a reader takes it in: 256 KiB, 1 MiB."""
    for unit, factor in (("MiB", 2**20), ("KiB", 2**10)):
        if bytes_ % factor == 0:
            return f"{bytes_ // factor:,} {unit}"
    return f"{bytes_:,} bytes"


_MESSAGES: Final[tuple[Limit, ...]] = (
    ("A message", f"{size(MAX_BYTES)} ({MAX_BYTES:,} bytes)", "`too_large`"),
    ("Nesting, counting the message itself", f"{MAX_DEPTH} levels", "`too_deep`"),
    ("A list", f"{MAX_ITEMS:,} entries", "`too_many`"),
    ("A text field of `data`", f"{TEXT_MAX:,} characters", "`bad_value`"),
    ("A name or label", f"{longest(Name)} characters", "`bad_value`"),
    (
        "An attribute (`id`, `source`, `subject`, `actor`, `traceparent` …)",
        f"{longest(Label)} characters",
        "`bad_value`",
    ),
    ("`source` and `id`, each", f"{KEY_BYTES:,} bytes in UTF-8", "`bad_value`"),
    ("`proof`", f"{proof.MAX_LENGTH:,} characters", "`bad_value`"),
    ("An id of a person, programme, session, goal, homework, assessment or case", f"`{ID}`", "`bad_id`"),
    ("A whole number", f"{LEAST} to {MOST}", "`bad_value`"),
    ("A whole number in a signed message", f"up to {proof._EXACT:,} either way", "`proof`"),  # noqa: SLF001 - no other place
    ("A year, of a time in UTC", f"{FIRST_YEAR} to {LAST_YEAR}", "`bad_value`"),
    ("A text or name", "at least one character that can be seen, but for `next_steps`", "`bad_value`"),
    ("`time` ahead of Rapport's clock", f"{AHEAD.total_seconds() / 60:g} minutes", "`future_time`"),
)
_WORK: Final[tuple[Limit, ...]] = (
    ("Lines of a file that are decided as one batch", f"{MAX_LINES:,}", "more lines are further batches"),
    (
        "Messages of several senders in one commit",
        f"{MAX_BATCH:,}, {size(MAX_BATCH_BYTES)}",
        "the others wait for the next",
    ),
    ("Rows of a list printed as text", f"{ROWS:,}", "`--all` prints every row; JSON and CSV have every row"),
)
_KAFKA: Final[tuple[Limit, ...]] = (
    ("Problems in one receipt", f"{MAX_PROBLEMS}", "one more, `more`, says how many are left out"),
    ("A sentence, field or id in a receipt", f"{answers.LONGEST} characters", "cut, with … at the end"),
    ("A record that a dead letter keeps whole", size(record_batches.WHOLE), "the dead letter names its size instead"),
    ("A batch, decompressed", size(compression.MOST), "`too_large`; its offsets are skipped"),
    (
        "A batch of Zstandard with a window over " + size(compression.ZSTD_WINDOW),
        size(compression.ZSTD_WIDE_MOST),
        "`too_large`",
    ),
    ("A block of Snappy", size(compression.SNAPPY_BLOCK), "`too_large`"),
    (
        "An answer of a broker that is held in memory",
        size(fetching.FRAME_BYTES),
        "only its ends are kept: what is between is skipped",
    ),
    ("Records of one poll", size(fetching.POLL_BYTES), "more come with the next"),
)
_NOTIFICATIONS: Final[tuple[Limit, ...]] = (
    (
        "The secret of a webhook",
        f"{webhook.SECRET_BYTES.start} to {webhook.SECRET_BYTES.stop - 1} bytes",
        "a wrong setting",
    ),
    ("`Retry-After` of a webhook", f"{webhook.LONGEST_AFTER / 3600:g} hours", "longer ones count as this"),
    ("The answer of a webhook", size(webhook.BODY_BYTES), "the rest is not read"),
    ("Between two attempts", f"{deliver.LONGEST_SECONDS / 3600:g} hours", "the wait grows threefold up to this"),
    ("A title", f"{TITLE_LENGTH} characters", "cut, with … at the end"),
)
_HTTP: Final[tuple[Limit, ...]] = (
    ("Messages of a batch", f"{bodies.MAX_MESSAGES:,}", "400, `too_many`: nothing of it is recorded"),
    ("A batch", size(bodies.MAX_BATCH_BYTES), "413, `too_large`: nothing of it is recorded"),
    ("Lines of one request", size(bodies.MAX_LINES_BYTES), "413, `too_large`: those before are recorded"),
    ("The next part of a body", f"{bodies.IDLE_SECONDS:g} s (`--body-timeout`)", "408, `slow_body`"),
    ("The whole of a message or batch", f"{bodies.WHOLE_SECONDS:g} s", "408, `slow_body`"),
    ("The head of a request", f"{connection.HEAD_SECONDS:g} s (`--head-timeout`)", "408, `slow_head`"),
    (
        "The URL and all headers of a request, and fields after its body",
        f"{size(connection.MAX_HEAD_BYTES)} and {connection.MAX_FIELDS} fields together",
        "431, `head_too_large`",
    ),
    ("`wait` of `/v1/events`", f"{facts.LONGEST_WAIT} s", "400"),
    ("Facts of one answer", f"{facts.MOST:,}", "400"),
    ("A stream of facts", f"{facts.STREAM_SECONDS / 60:g} minutes", "ends; the reader comes back with `Last-Event-ID`"),
    ("Waiting for the position in `after`", f"{log_head.VISIBLE_SECONDS:g} s", "503, `not_visible_yet`"),
    ("Open requests of a process", f"{edge.MOST_OPEN:,}", "503, `overloaded`"),
    (
        "Requests that wait for earlier answers of their connection",
        f"{connection.MAX_WAITING}",
        "503, `overloaded`, and the connection is closed",
    ),
    ("Messages that wait for a commit", f"{MAX_WAITING:,}", "503, `overloaded`"),
    ("Answers after the process was asked to stop", f"{serving.DRAIN_SECONDS} s", "connections are closed"),
)
_SECTIONS: Final = {
    "Messages": _MESSAGES,
    "Batches and lists": _WORK,
    "HTTP": _HTTP,
    "Kafka": _KAFKA,
    "Notifications": _NOTIFICATIONS,
}


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield f"# Limits\n\n{MADE}\n"
    yield "What a single command allows in a field is in [messages](messages.md) and its schema; what a setting allows is in"
    yield "[settings](settings.md). Codes in the last column are those of [receipts](receipts.md).\n"
    for title, limits in _SECTIONS.items():
        yield f"## {title}\n"
        yield from table(("what", "at most", "beyond it"), limits)
        yield ""
    yield "## Terms\n"
    yield "`SetTerm` sets a term within these ranges, else it is refused (`term_value`). Of several documents that set a term, the"
    yield f"first of these wins: {', '.join(PREVALENCE)}.\n"
    rows = (
        (
            code(name),
            f"{term.default:g}",
            f"{term.least:g} to {term.most:g}",
            term.unit.replace("_", " "),
            "yes" if term.whole else "no",
        )
        for name, term in TERMS.items()
    )
    yield from table(("term", "default", "range", "unit", "whole numbers alone"), rows)
