"""The whole audit: the record with its tree, what the workers decided on it, and the datasets, all of one moment.

What could not be checked is said, and then the answer is not ok: what somebody had set aside by hand would else pass unseen.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from itertools import islice
from typing import Any, Final

from infra.evidence import parts
from infra.evidence.checkpoints import Held, differences
from infra.evidence.helpers import Helpers
from infra.evidence.parts import Failed, Part, Unread, Workshop
from infra.evidence.streams import StreamsVerdict
from infra.evidence.tree_audit import MOST, TreeVerdict
from infra.evidence.values import misfit_values
from infra.evidence.verify import Verdict, put_together
from infra.evidence.wrong import Wrong
from infra.projection_engine import generation as generation_table
from infra.projection_engine import schema
from infra.projection_engine.check import Wrong as WrongRow
from infra.projection_engine.engine import Engine
from infra.projection_engine.quarantine import held as in_quarantine
from infra.sealing.key_store import Owned
from infra.store.errors import ReadOnlyStore, StoreError, UnreadableText
from infra.store.log import EventStore
from infra.store.merkle import EMPTY_ROOT
from infra.worker_runtime.desk import EVERYBODY, parked
from infra.worker_runtime.schema import ready

# Long work under a name: how much there is to do, and what hears how much was done.
Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
NONE_HELD: Final = Held([], [], [])
NOT_COMPARED: Final = (
    "what the workers decided and the datasets were not compared, since they rest on a record that is not whole"
)

NOT_FOUND: Final = "a value can't be read, and every column of the store has values of its type"


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
    here, misfits = Workshop(store, engine), Misfits(store)
    try:
        verdict = _audited(here, misfits, progress, subject, held, trouble, helpers)
    except UnreadableText:
        # Met between the parts, each of which would have gone on.
        here.read_any_text()
        misfits.are_wanted = True
        verdict = _audited(here, misfits, progress, subject, held, trouble, helpers)
    if misfits.are_wanted or isinstance(trouble, UnreadableText):
        skipped = verdict.skipped if misfits.found else (*verdict.skipped, NOT_FOUND)
        return verdict._replace(problems=(*misfits.found, *verdict.problems)[:MOST], skipped=skipped)
    return verdict


def with_undone(held: Held, undone: Iterable[Owned]) -> Held:
    """Beside what checkpoints say: whose keys are there though the record says that their words are erased."""
    problems = [
        Wrong(owned.subject or owned.person, 0, f"the words of {owned.person} were erased here, and their key is there")
        for owned in undone
    ]
    return held._replace(problems=[*held.problems, *problems])


class Misfits:
    """The values that are none for their columns: looked for once, if they are wanted."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self.are_wanted = False

    @cached_property
    def found(self) -> tuple[Wrong, ...]:
        with self._store.database.reading() as session:
            return tuple(islice(misfit_values(session), MOST))

    def read(
        self, here: Workshop, plan: Sequence[Part], answers: Sequence[Any], none: Any
    ) -> tuple[list[Any], list[str]]:
        """What parts found, `none` where one failed over what is stored, and why those failed.

        Raises:
            Exception: What a part raises though every value fits its column.
        """
        found, failed = list[Any](), list[str]()
        for part, answer in zip(plan, answers, strict=True):
            self.are_wanted |= isinstance(answer, Unread | Failed)
            if isinstance(answer, Failed) and self.found:
                failed.append(
                    f"{type(part).__name__.lower()} could not be compared, since a value can't be read: {answer.error}"
                )
                found.append(none)
            elif isinstance(answer, Failed):
                found.append(here.do(part))
            else:
                found.append(answer.found if isinstance(answer, Unread) else answer)
        return found, failed


def _audited(
    here: Workshop,
    misfits: Misfits,
    progress: Progress,
    subject: str | None,
    held: Held,
    trouble: StoreError | None,
    helpers: Helpers | None,
) -> Verdict:
    store, work = here.store, here if helpers is None else helpers.working_with(here)
    total = None if subject else store.head()
    plan = parts.plan(store, subject, held.sizes, 1 if helpers is None else helpers.count)
    # Read before the events: while the store is in use, ids that are new have their events later.
    kept = store.spelling_keys() if subject is None else frozenset[str]()
    resting: list[Part] = [*plan.decisions, *(plan.rows if trouble is None else ())]
    # Several processes need not wait for one another to see that the record is whole; what takes longest is begun first.
    early: list[Part] = [] if helpers is None else resting
    with progress("verifying", total and total * (2 if early else 1)) as advance:
        answers = work([*early, plan.tree, *plan.streams], advance)
    found, of_record = answers[: len(early)], answers[len(early) :]
    (tree,), no_tree = misfits.read(here, [plan.tree], of_record[:1], TreeVerdict(0, EMPTY_ROOT, {}, []))
    streams, no_streams = misfits.read(here, plan.streams, of_record[1:], StreamsVerdict())
    verdict = put_together(kept, streams, tree)
    against = () if no_tree else differences(held.kept, verdict.tree.size, verdict.tree.roots)
    verdict = verdict._replace(problems=(*held.problems, *against, *verdict.problems))
    skipped = *held.skipped, *verdict.skipped, *no_tree, *no_streams
    if verdict.problems or no_tree or no_streams:
        # What workers decided can only be recomputed on a record that is whole.
        return verdict._replace(skipped=(*skipped, NOT_COMPARED))
    if not early:
        with progress("replaying decisions", total) as advance:
            found = work(resting, advance)
    # On a record that is whole it fails for a reason of its own, which is raised here.
    found, failed = misfits.read(here, resting, found, [])
    odd = [Wrong(*problem) for part in found[: len(plan.decisions)] for problem in part]
    if not odd and isinstance(trouble, ReadOnlyStore | UnreadableText):
        return verdict._replace(skipped=(*skipped, *failed, f"the datasets were not compared: {trouble}"))
    if not odd and trouble is not None:
        raise trouble
    odd += _odd_rows(store, [row for part in found[len(plan.decisions) :] for row in part])
    odd += _odd_views(here)
    return verdict._replace(problems=tuple(odd[:MOST]), skipped=(*skipped, *failed, *_set_aside(here, subject)))


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


def _odd_views(here: Workshop) -> Iterator[Wrong]:
    """The views through which datasets are read that show something else than their tables have."""
    with here.store.database.reading() as session:
        if not schema.exists(session, schema.GENERATIONS):
            return
        live = generation_table.live(session, here.engine.projections)
        expected = [
            each
            for generation in live
            if generation.current
            for each in schema.views_of(session.kind, generation.projection, generation.mark)
        ]
        of_log = schema.views_of_log(session.kind).items()
        expected += [each for each in of_log if generation_table.view(session, each[0].name) == each[1].text]
        for name, problem in schema.odd_views(session, expected):
            yield Wrong(name, 0, problem)


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
