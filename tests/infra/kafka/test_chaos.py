"""Everything at once: messages through three consumers, two workers, a projection follower and a publisher, under faults.

The seed is printed; RAPPORT_CHAOS_SEED replays its faults, RAPPORT_CHAOS_MESSAGES changes the size.
"""

import json
import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local.kafka import Kafka
from infra.local.postgres import Postgres
from infra.simulate.stream import Simulation
from tests import command
from tests.infra.kafka.conftest import staged
from tests.infra.kafka.model import answered_all, assert_all_is_well
from tests.infra.kafka.running import Running, eventually
from tests.infra.kafka.stage import Stage
from tests.proxy import Proxy
from tests.servers import Topics
from tests.sizes import size

pytestmark = [pytest.mark.xdist_group("kafka-faults"), pytest.mark.timeout(900)]

MESSAGES = int(os.environ.get("RAPPORT_CHAOS_MESSAGES", size(2000, 20_000)))
SEED = int(os.environ.get("RAPPORT_CHAOS_SEED", random.SystemRandom().randrange(1_000_000)))
# However many: they keep coming for about as long as every fault takes once.
SECONDS = 45
RATE = max(MESSAGES // SECONDS, 1)
FURTHER_FAULTS = size(15, 100)
CONSUMERS = 3
WORKERS = 2
PARTITIONS = 6
WITNESSED, WITNESS_LOG = "witnessed", "witness.log"
PAUSE_SECONDS = (0.2, 2.0)
POISON = (b"\xff\xfe", b"{", b"[]", b"", b'{"specversion":"1.0","type":"rapport.Nonsense"}')


class Chaos:
    """The faults, drawn by lot; each has ended when its function returns."""

    def __init__(
        self, lots: random.Random, stage: Stage, kafka: Kafka, postgres: Postgres, proxies: list[Proxy]
    ) -> None:
        self.lots, self.stage, self.kafka, self.postgres, self.proxies = lots, stage, kafka, postgres, proxies
        self.done: list[str] = []
        self.ended = threading.Event()
        self.halted: list[threading.Thread] = []
        self.consumers = [self._consumer() for _ in range(CONSUMERS)]
        self.workers = [self._worker() for _ in range(WORKERS)]
        self.follower = stage.start("projections", "follow")
        self.publisher = stage.start("publish")
        self.witness = self._witness()
        common: list[Callable[[], None]] = [
            self.kill_a_consumer,
            self.stop_a_consumer_past_its_session,
            self.another_member,
            self.kill_the_publisher,
            self.kill_a_worker,
            self.stop_a_worker_past_its_lease,
            self.stop_the_publisher_past_its_lease,
            self.break_a_connection,
            self.break_a_connection,
        ]
        self.faults = [
            *common,
            self.kill_the_follower,
            self.kill_the_witness,
            self.restart_the_broker,
            self.kill_the_broker,
            self.restart_the_database,
        ]

    def go_on_until(self, over: threading.Event) -> None:
        """Every fault once, and more by lot until the messages are sent or it is enough: then the rest has to get through.

        Without an end, a machine on which a broker takes long to start could be kept from ever sending them.
        """
        lots = self.lots
        order = [*self.faults]
        lots.shuffle(order)
        for number, fault in enumerate((*order, *lots.choices(self.faults, k=FURTHER_FAULTS))):
            if over.is_set() and number >= len(order):
                break
            over.wait(lots.uniform(*PAUSE_SECONDS))
            self.done.append(fault.__name__)
            fault()
            self.supervise()
        for thread in self.halted:
            thread.join()
        self.supervise()
        self.ended.set()

    def supervise(self) -> None:
        """Start again what could not even start, because the database was down just then."""
        for group, start in ((self.consumers, self._consumer), (self.workers, self._worker)):
            for index, running in enumerate(group):
                if running.process.poll() is not None:
                    group[index] = start()
        if self.publisher.process.poll() is not None:
            self.publisher = self.stage.start("publish")
        if self.follower.process.poll() is not None:
            self.follower = self.stage.start("projections", "follow")
        if self.witness.poll() is not None:
            self.witness = self._witness()

    def kill_a_worker(self) -> None:
        self.lots.choice(self.workers).kill()

    def stop_a_worker_past_its_lease(self) -> None:
        self._stopped(self.lots.choice(self.workers))

    def kill_the_follower(self) -> None:
        self.follower.kill()

    def kill_the_witness(self) -> None:
        """Sometimes right while it writes down what it signed."""
        self.witness.kill()
        self.witness.wait()

    def kill_a_consumer(self) -> None:
        self.lots.choice(self.consumers).kill()

    def stop_a_consumer_past_its_session(self) -> None:
        self._stopped(self.lots.choice(self.consumers))

    def another_member(self) -> None:
        guest = self._consumer()
        time.sleep(self.lots.uniform(1, 4))
        begun = guest.said("started")
        assert guest.stop() == 0 or not begun, guest.log.read_text()

    def kill_the_publisher(self) -> None:
        self.publisher.kill()

    def stop_the_publisher_past_its_lease(self) -> None:
        before, self.publisher = self.publisher, self.stage.start("publish")
        self._stopped(before)

    def restart_the_broker(self) -> None:
        self.kafka.restart()

    def kill_the_broker(self) -> None:
        self.kafka.kill()
        self.kafka.start()

    def restart_the_database(self) -> None:
        self.postgres.restart()

    def break_a_connection(self) -> None:
        proxy = self.lots.choice(self.proxies)
        way = self.lots.choice(("cut", "refuse", "half_open", "lose_replies"))
        self.done.append(f"{way} {'Kafka' if proxy is self.proxies[0] else 'PostgreSQL'}")
        try:
            getattr(proxy, way)()
            time.sleep(self.lots.uniform(0.2, 3))
        finally:
            proxy.restore()

    def _witness(self) -> command.Fork:
        """A witness that signs whatever grew out of what it signed last; what it refuses it says in its log."""
        follow = ("audit", "witness", "--to", str(self.stage.folder / WITNESSED), "--every", "0.5")
        with (self.stage.folder / WITNESS_LOG).open("ab") as log, Path(os.devnull).open("rb") as nothing:
            files = (nothing.fileno(), log.fileno(), log.fileno())
            return command.start(*follow, env=self.stage.environment(), files=files)

    def _consumer(self) -> Running:
        return self.stage.start("consume", "--batch", "100")

    def _worker(self) -> Running:
        return self.stage.start("work", "--lease", str(self.stage.settings.kafka_session_seconds))

    def _stopped(self, running: Running) -> None:
        """Others go on meanwhile, and so do the other faults; who gets killed while halted stays dead."""
        running.signal(signal.SIGSTOP)

        def later() -> None:
            time.sleep(self.stage.settings.kafka_session_seconds * 2)
            if running.process.poll() is None:
                running.signal(signal.SIGCONT)

        self.halted.append(threading.Thread(target=later))
        self.halted[-1].start()


@pytest.fixture
def servers(
    own_postgres: Postgres, proxied_kafka: tuple[Kafka, Proxy], tmp_path: Path
) -> Iterator[tuple[Stage, Kafka, Postgres, list[Proxy]]]:
    kafka, kafka_proxy = proxied_kafka
    own_postgres.create_database("chaos")
    with Proxy(own_postgres.port) as postgres_proxy:
        topics = Topics(kafka, "chaos.").create(PARTITIONS)
        for stage in staged(own_postgres.url("chaos", port=postgres_proxy.port), kafka, topics, tmp_path):
            yield stage, kafka, own_postgres, [kafka_proxy, postgres_proxy]


def story(lots: random.Random) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """The messages, some out of order and some twice; programmes and mentors come early, what follows another relationship late.

    A proposal is judged by what it names: a mentor's standing, an earlier relationship. Theirs are other partitions.
    """
    made = list(Simulation(MESSAGES // 60, SEED).messages())[:MESSAGES]
    early = [m for m in made if b'"subject":"mentor:' in m or b'"subject":"programme:' in m]
    following = {told["subject"] for m in made if (told := json.loads(m))["data"].get("follows")}
    late = [m for m in made if json.loads(m)["subject"] in following]
    apart = {*early, *late}
    rest = [m for m in made if m not in apart]
    for index in lots.sample(range(len(rest) - 9), len(rest) // 100):
        rest[index], rest[index + 8] = rest[index + 8], rest[index]
    for index in sorted(lots.sample(range(len(rest)), len(rest) // 50), reverse=True):
        rest.insert(min(len(rest), index + lots.randrange(1, 200)), rest[index])
    return early, rest, late


def test_nothing_is_lost_doubled_or_out_of_order(servers: tuple[Stage, Kafka, Postgres, list[Proxy]]) -> None:
    print(f"RAPPORT_CHAOS_SEED={SEED} RAPPORT_CHAOS_MESSAGES={MESSAGES}")  # noqa: T201 - to replay it
    stage, kafka, postgres, proxies = servers
    stage.settings = stage.settings.model_copy(update={"signing_key_file": stage.folder / "signing-key"})
    lots = random.Random(SEED)
    early, rest, late = story(lots)
    poison = [bytes(lots.choice(POISON)) for _ in range(MESSAGES // 400)]
    chaos = Chaos(lots, stage, kafka, postgres, proxies)
    stage.send(early)
    stage.read(stage.topics.receipts, len(early))
    failed: list[BaseException] = []
    over = threading.Event()

    def going_on() -> bool:
        return not chaos.ended.is_set()

    def send() -> None:
        try:
            half = len(rest) // 2
            stage.send(rest[:half], rate=RATE, disturbed=going_on)
            stage.send(poison, disturbed=going_on)
            stage.send(rest[half:], rate=RATE, disturbed=going_on)
            answered_all(stage, rest, disturbed=going_on)
            stage.send(late, rate=RATE, disturbed=going_on)
            # Once more, on other partitions, while faults go on. They must have been taken before: a copy that overtakes
            # what was sent before it would be judged first, and rightly so.
            for partition in range(PARTITIONS):
                stage.send(lots.sample(rest[:half], 50), partition=partition, disturbed=going_on)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)
        finally:
            over.set()

    thread = threading.Thread(target=send)
    thread.start()
    try:
        chaos.go_on_until(over)
    finally:
        over.set()
        chaos.ended.set()
        thread.join()
        chaos.kill_the_witness()
        print(f"{len(chaos.done)} faults: {', '.join(chaos.done)}")  # noqa: T201 - to understand it
    assert not failed, failed
    assert_all_is_well(stage, [*early, *rest, *late], workers=True)
    assert_every_record_is_answered(stage, len(poison))
    assert_the_witness_saw_one_history(stage)


def assert_the_witness_saw_one_history(stage: Stage) -> None:
    """It refused nothing, signs what is there now, and the store is the one that it signed."""
    log = (stage.folder / WITNESS_LOG).read_text()
    assert "a fork" not in log, log
    assert "rewritten" not in log, log
    seen = [int(size) for size in re.findall(r": (\d+) leaves, grown out of", log.replace("\n", " "))]
    assert len(set(seen)) > 3, "it saw the log grow"
    last = stage.call("audit", "witness", "--to", str(stage.folder / WITNESSED))
    assert last.returncode == 0, last.stderr
    verified = stage.call("audit", "verify", "--checkpoint", str(stage.folder / WITNESSED), "--json")
    assert verified.returncode == 0, verified.stdout


def assert_every_record_is_answered(stage: Stage, poison: int) -> None:
    records = {f"{read.topic}/{read.partition}/{read.offset}" for read in stage.read(stage.topics.commands)}

    def unanswered() -> set[str]:
        return records - {read.json["id"] for read in stage.read(stage.topics.receipts)}

    eventually(lambda: not unanswered(), 60)
    letters = {
        (letter.headers["rapport-partition"], letter.headers["rapport-offset"])
        for letter in stage.read(stage.topics.dead_letters)
    }
    assert len(letters) == poison
    with_status = [read.json for read in stage.read(stage.topics.receipts)]
    assert sum(json.dumps(answer).count('"internal"') for answer in with_status) == 0
