"""`rapport work`: the workers at work, until stopped, until nothing is due, or until a time to which the clock is turned."""

from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.output import REFUSED, USAGE, JsonOption, fail, print_json, print_note, progress
from infra.cli.projecting import bring_up_to_date
from infra.cli.running import MetricsHostOption, MetricsPortOption, running
from infra.cli.times import aware_time

if TYPE_CHECKING:
    from infra.bootstrap import Rapport
    from infra.evidence.checkpoints import Checkpoints
    from infra.notifications.deliver import Deliverer
    from infra.operations.process import Process
    from infra.worker_runtime.runner import Runner

LATE = "refused commands met a record that had moved on; `rapport submit --walk` lets workers keep pace with a history"
OnceOption = Annotated[bool, typer.Option("--once", help="Do all that is due, then end.")]
UntilOption = Annotated[
    datetime | None,
    typer.Option(
        parser=aware_time, metavar="TIME", help="Turn the clock to this time, from deadline to deadline, then end."
    ),
]
ReleaseOption = Annotated[bool, typer.Option("--release", help="First take up the keys that were put aside.")]
RebuildOption = Annotated[
    list[str] | None, typer.Option("--rebuild", metavar="WORKER", help="First build what this worker keeps anew.")
]
LeaseOption = Annotated[
    float, typer.Option("--lease", min=1, max=3600, help="Seconds after which a silent process is replaced.")
]
BatchOption = Annotated[int, typer.Option("--batch", min=1, max=10_000, help="The most steps in one transaction.")]


def register(app: typer.Typer) -> None:
    """Add `work`."""
    app.command("work")(work)


def work(
    once: OnceOption = False,
    until: UntilOption = None,
    release: ReleaseOption = False,
    rebuild: RebuildOption = None,
    lease: LeaseOption = 10.0,
    batch: BatchOption = 500,
    as_json: JsonOption = False,
    metrics_port: MetricsPortOption = None,
    metrics_host: MetricsHostOption = "127.0.0.1",
) -> None:
    """Run the workers: send commands, fire deadlines, open tasks, deliver notifications.

    At the end it tells how many commands were accepted, refused (and why) and duplicate. A command is refused when the record
    has moved on by the time it comes: `rapport submit --walk` lets workers keep pace with a history that is told afterwards.

    With RAPPORT_CHECKPOINTS it keeps signed checkpoints of the tree there (see rapport audit checkpoint).

    Any number of processes share the work; what one held that died moves to the others within its lease. With --once, --until,
    --release or --rebuild it works alone, once no other holds anything. Ends cleanly on Ctrl-C and SIGTERM. With --once or --until
    the datasets are brought up to date afterwards.
    """
    with running("work", metrics_port, metrics_host) as (rapport, process):
        from infra.worker_runtime.horizon import Horizon
        from infra.worker_runtime.runner import Runner

        if until is not None and until > rapport.clock.now() and not rapport.settings.clock:
            rapport.check_clock("--until")
            print_note(f"what follows up to {until.isoformat()} is recorded now, as if it were that time")
        deliverer = _deliverer(rapport, process)
        horizon = Horizon(rapport.clock, until)
        follows = not once and until is None
        if release or rebuild:
            whole = Runner(rapport.store, rapport.handler, horizon, batch=batch, lease_seconds=lease)
            try:
                _repair(whole, process, release=release, workers=rebuild or [])
            finally:
                whole.release()
        runner = Runner(rapport.store, rapport.handler, horizon, batch=batch, lease_seconds=lease, shares=follows)
        checkpoints = rapport.checkpoints(print_note)
        if not follows:
            _work_off(runner, deliverer, process, as_json=as_json)
            checkpoints.make()
        else:
            _follow(rapport, runner, deliverer, checkpoints, process, as_json=as_json)
    if once or until is not None:
        bring_up_to_date("the work is done")


def _deliverer(rapport: "Rapport", process: "Process") -> "Deliverer":
    from infra.notifications.deliver import Deliverer
    from infra.queries.own_address import OwnAddresses
    from infra.settings import WrongSettings

    entries = OwnAddresses(rapport.store, rapport.engine).of
    deliverer = Deliverer(rapport.database, rapport.settings, outages=process.outages, entries=entries)
    try:
        deliverer.check()
    except WrongSettings as error:
        fail(str(error), USAGE)
    return deliverer


def _work_off(runner: "Runner", deliverer: "Deliverer", process: "Process", *, as_json: bool) -> None:
    from infra.worker_runtime.loop import work_off

    with progress("working", runner.store.head()) as advance:
        done = work_off(runner, process.stop, advance)
    delivered = deliverer.deliver(stop=process.stop)
    tally = runner.tally
    if as_json:
        print_json({"done": done, **asdict(tally), "notifications": asdict(delivered)})
    else:
        print_note(str(tally))
        print_note(f"notifications: {delivered}")
        if tally.answers.refused:
            print_note(LATE)
    if not done:
        fail("stopped before everything was done; the rest waits for the next run", REFUSED)


def _follow(
    rapport: "Rapport",
    runner: "Runner",
    deliverer: "Deliverer",
    checkpoints: "Checkpoints",
    process: "Process",
    *,
    as_json: bool,
) -> None:
    from threading import Thread

    from infra.operations.keep import keep_going
    from infra.webhooks.sending import Sending
    from infra.worker_runtime.loop import follow

    # A slow server of somebody else's must not hold up the workers.
    beside = [Thread(target=deliverer.run, args=(process.stop,), name="deliver")]
    if rapport.keys_found is not None:
        sending = partial(keep_going, process, "webhooks", lambda: Sending(rapport, process))
        beside.append(Thread(target=sending, name="webhooks"))
    if checkpoints.place is not None:
        beside.append(Thread(target=checkpoints.follow, args=(process.stop,), name="checkpoints"))
    for thread in beside:
        thread.start()
    try:
        follow(runner, process)
    finally:
        process.stop.set()
        for thread in beside:
            thread.join()
        if as_json:
            print_json(asdict(runner.tally))
        else:
            print_note(str(runner.tally))


def _repair(runner: "Runner", process: "Process", *, release: bool, workers: list[str]) -> None:
    """Take up what was put aside and build anew what was asked for, under the lease."""
    from infra.queries.tasks import parked_keys
    from infra.unknown_name import unknown_name
    from infra.worker_runtime.loop import lease_for
    from infra.worker_runtime.repair import rebuild
    from infra.worker_runtime.repair import release as take_up
    from workers.catalogue import BY_NAME

    if wrong := [name for name in workers if name not in BY_NAME]:
        fail(unknown_name("worker", wrong[0], BY_NAME), USAGE)
    lease = lease_for(runner, process.stop)
    if lease is None:
        fail("stopped while another process works; nothing was changed", REFUSED)
    with progress("replaying", lease.position) as advance:
        if workers:
            rebuild(runner.store, lease, [BY_NAME[name] for name in workers], runner.horizon.end(), advance)
        parked = [(row["worker"], row["key"]) for row in parked_keys(runner.database)] if release else []
        if parked:
            made = take_up(runner.store, lease, parked, advance)
            print_note(f"{len(parked)} keys taken up, {made} decisions made up for")
