"""The whole audit: the record with its tree, what the workers decided on it, and the datasets, all of one moment.

What could not be checked is said, and then the answer is not ok: what somebody had set aside by hand would else pass unseen.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, Final

from infra.evidence import parts
from infra.evidence.checkpoints import Held, differences
from infra.evidence.helpers import Helpers
from infra.evidence.parts import Failed, Part, Unread, Workshop
from infra.evidence.texts import unreadable_texts
from infra.evidence.tree_audit import MOST
from infra.evidence.verify import Verdict, put_together
from infra.evidence.wrong import Wrong
from infra.projection_engine import generation as generation_table
from infra.projection_engine.check import Wrong as WrongRow
from infra.projection_engine.engine import Engine
from infra.projection_engine.quarantine import held as in_quarantine
from infra.store.errors import ReadOnlyStore, StoreError, UnreadableText
from infra.store.log import EventStore
from infra.worker_runtime.desk import EVERYBODY, parked
from infra.worker_runtime.schema import ready

# Long work under a name: how much there is to do, and what hears how much was done.
Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
NONE_HELD: Final = Held([], [], [])
NOT_COMPARED: Final = (
    "what the workers decided and the datasets were not compared, since they rest on a record that is not whole"
)

NOT_FOUND: Final = "a text can't be read that no column of the store keeps as such"


def audit(
    store: EventStore,
    engine: Engine,
    progress: Progress,
    subject: str | None = None,
    held: Held = NONE_HELD,
    trouble: StoreError | None = None,
    helpers: Helpers | None = None,
) -> Verdict:
    """Check one subject or everything, and hold the tree against checkpoints. `store` is a snapshot.

    `trouble` is why the datasets could not be brought up to date before. If they were never made, and this login may not make
    them, they are skipped. `helpers` see the same snapshot.

    Raises:
        StoreError: The trouble, if nothing is wrong with the record that would explain it.
    """
    here = Workshop(store, engine)
    try:
        verdict, all_read = _audited(here, progress, subject, held, trouble, helpers)
    except UnreadableText:
        # Met between the parts, each of which would have gone on.
        here.read_any_text()
        verdict, _ = _audited(here, progress, subject, held, trouble, helpers)
        all_read = False
    if all_read and not isinstance(trouble, UnreadableText):
        return verdict
    with store.database.reading() as session:
        texts = tuple(islice(unreadable_texts(session), MOST))
    return verdict._replace(
        problems=(*texts, *verdict.problems)[:MOST],
        skipped=verdict.skipped if texts else (*verdict.skipped, NOT_FOUND),
    )


def _audited(
    here: Workshop,
    progress: Progress,
    subject: str | None,
    held: Held,
    trouble: StoreError | None,
    helpers: Helpers | None,
) -> tuple[Verdict, bool]:
    """What the parts find, and whether all texts could be read."""
    store, work = here.store, here if helpers is None else helpers.working_with(here)
    total = None if subject else store.head()
    plan = parts.plan(store, subject, held.sizes, 1 if helpers is None else helpers.count)
    # Read before the events: while the store is in use, ids that are new have their events later.
    kept = store.spelling_keys() if subject is None else frozenset[str]()
    resting: list[Part] = [*plan.decisions, *(plan.rows if trouble is None else ())]
    # Several processes need not wait for one another to see that the record is whole; what takes longest is begun first.
    early: list[Part] = [] if helpers is None else resting
    with progress("verifying", total and total * (2 if early else 1)) as advance:
        answers, all_read = _read(work([*early, plan.tree, *plan.streams], advance))
    found, (tree, *streams) = answers[: len(early)], answers[len(early) :]
    verdict = put_together(store, kept, streams, tree)
    against = [*held.problems, *differences(held.kept, verdict.tree.size, verdict.tree.roots)]
    verdict = verdict._replace(problems=(*against, *verdict.problems))
    skipped = *held.skipped, *verdict.skipped
    if verdict.problems:
        # What workers decided can only be recomputed on a record that is whole.
        return verdict._replace(skipped=(*skipped, NOT_COMPARED)), all_read
    if not early:
        with progress("replaying decisions", total) as advance:
            found = work(resting, advance)
    # On a record that is whole it fails for a reason of its own, which is raised here.
    found, each_read = _read(
        [here.do(part) if isinstance(each, Failed) else each for part, each in zip(resting, found, strict=True)]
    )
    all_read = all_read and each_read
    odd = [Wrong(*problem) for part in found[: len(plan.decisions)] for problem in part]
    if not odd and isinstance(trouble, ReadOnlyStore | UnreadableText):
        return verdict._replace(skipped=(*skipped, f"the datasets were not compared: {trouble}")), all_read
    if not odd and trouble is not None:
        raise trouble
    odd += _odd_rows(store, [row for part in found[len(plan.decisions) :] for row in part])
    return verdict._replace(problems=tuple(odd[:MOST]), skipped=(*skipped, *_set_aside(here, subject))), all_read


def _read(answers: Sequence[Any]) -> tuple[list[Any], bool]:
    """What parts found, and whether all of them could read all texts."""
    return (
        [each.found if isinstance(each, Unread) else each for each in answers],
        not any(isinstance(each, Unread) for each in answers),
    )


def _odd_rows(store: EventStore, found: Sequence[WrongRow]) -> Iterator[Wrong]:
    """The rows of the datasets that are not what the events make of them, each at the last event of its subject."""
    heads = store.heads({row.key[0] for row in found})
    for row in found:
        yield Wrong(
            row.key[0],
            heads[row.key[0]].version,
            f"the dataset {row.dataset} has in row {'/'.join(map(str, row.key))} {row.stored} "
            f"where the events make it {row.folded} ({row.column or 'the row'})",
        )


def _set_aside(here: Workshop, subject: str | None) -> Iterator[str]:
    """What was not compared because it is set aside, or of another policy than this Rapport's."""
    store, frozen = here.store, here.engine
    with store.database.reading() as session:
        generations = [each for each in generation_table.load(session, frozen.projections) if each.state == "live"]
        for each in in_quarantine(session, [each for each in generations if each.current]):
            if subject in (None, each.subject):
                yield (
                    f"rows of {each.subject} in {each.projection} were not compared: they are in quarantine since version "
                    f"{each.version} ({each.error})"
                )
        for generation in generations:
            if not generation.current:
                yield f"the dataset {generation.name} was not compared: it was made under another version of its rules"
        if not ready(store.database):
            return
        for aside in parked(session):
            if subject in (None, aside.key):
                who = "all workers" if aside.worker == EVERYBODY else f"the worker {aside.worker}"
                yield (
                    f"decisions of {who} at {aside.key} were not compared after position {aside.position}: "
                    f"the key is set aside ({aside.error})"
                )
