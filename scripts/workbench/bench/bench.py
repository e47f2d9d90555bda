"""What a scenario works with: orders to place, a program to start and to strike, and what became of it."""

import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import pika
from pika.adapters.blocking_connection import BlockingChannel

from workbench.amqp import open_connection
from workbench.bench.effects import Effect, Effects
from workbench.bench.failures import CutOff, cut_offs, failed_by_itself
from workbench.bench.program import MAX_STARTS, Program, Run
from workbench.broker import probe
from workbench.journey.model import DELIVERIES
from workbench.journey.words import SEPARATOR, Moment, in_a_line, moments
from workbench.marked import end_marked
from workbench.message import name_in, order_in
from workbench.player import reader_environment
from workbench.wire import Event, FaultPlan, Refuse, Wire

NAME = "shipping"
# How long a program may take to consume, after a start; to do something, before it counts as done.
START_SECONDS = 10.0
QUIET_SECONDS = 1.5
# A right program waits for the locked ledger; a wrong one needs only a moment to acknowledge.
STUCK_SECONDS = 0.7
SCENARIO_SECONDS = 12.0
# So often no plan of faults has a message delivered.
SPINNING = 30
LOOK_SECONDS = 0.05
# How long the broker may hold back what the bench publishes.
BLOCKED_SECONDS = 30.0
CLOCK_SECONDS = 0.001  # SQLite counts whole milliseconds
NOT_FOUND = 404
ANOTHER_BROKERS = "that was made for the check: set MANAGEMENT_URL to its management page"


@dataclass(frozen=True)
class Promise:
    """What a program has to keep, in words; the hint is a question that leads to the answer."""

    words: str
    hint: str


class Broken(Exception):
    """A promise is broken, shown by what became of one order."""

    def __init__(self, promise: Promise, order: str, journey: str, output: str) -> None:
        super().__init__(promise.words)
        self.promise = promise
        self.order = order
        self.journey = journey
        self.output = output


class CannotJudge(Exception):
    """The program gave nothing to judge; `output` is the end of what it printed."""

    def __init__(self, why: str, output: str = "") -> None:
        super().__init__(why)
        self.output = output


@dataclass(frozen=True)
class Setting:
    """Where one scenario takes place: its vhost's URL, its folder, and the mark of its processes."""

    url: str
    folder: Path
    token: str
    seed: int


@dataclass(frozen=True)
class Copy:
    """One copy of the program: its name on the wire, its process, and the ledger that it writes."""

    name: str
    program: Program
    effects: Effects


class Bench:
    """One scenario's run of one program. Scenarios use it; `running` makes it."""

    def __init__(self, setting: Setting, command: Sequence[str], lesson: Path, plan: FaultPlan) -> None:
        self.events: list[Event] = []
        self.demanded: set[Promise] = set()
        self.random = random.Random(setting.seed)
        self._stopped = False
        self._kills: list[Moment] = []
        self._news = threading.Condition()
        self._setting = setting
        self._command = command
        self._lesson = lesson
        self._began = time.time()
        self.wire = Wire(setting.url, plan, observer=self._observe, kill=self._kill_copy)
        self._over: set[str] = set()
        self.copies = [self._copy(NAME, Effects(setting.folder / "ledger.sqlite"))]
        self.program, self.effects = self.copies[0].program, self.copies[0].effects

    def _copy(self, name: str, effects: Effects) -> Copy:
        environ = reader_environment(self._setting.url) | {"LEDGER": str(effects.path)}
        program = Program(
            self._command,
            self._lesson,
            environ,
            self._setting.token,
            # A right program that ends without a broker must not have used up its starts when that is back.
            is_excused=lambda run: self._was_refused(name, run),
        )
        return Copy(name, program, effects)

    def _kill_copy(self, name: str) -> None:
        next(copy for copy in self.copies if copy.name == name).program.kill()

    def _observe(self, event: Event) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    # What a scenario does

    def start(self, expected: Promise | None = None, max_starts: int = MAX_STARTS) -> None:
        """Start the program, again each time that it ends (at most so often), and wait until it listens.

        If it never does, that is a broken promise where one is named, else raises CannotJudge.
        """
        self._start(self.copies[0], expected, max_starts)

    def start_another(
        self, expected: Promise | None = None, max_starts: int = MAX_STARTS, shared_ledger: bool = False
    ) -> Copy:
        """Start one more copy of the program in the same way, with its own ledger or the first one's."""
        name = f"{NAME}-{len(self.copies) + 1}"
        own = self._setting.folder / f"{name}.sqlite"
        self.copies.append(self._copy(name, self.effects if shared_ledger else Effects(own)))
        self._start(self.copies[-1], expected, max_starts)
        return self.copies[-1]

    def _start(self, copy: Copy, expected: Promise | None, max_starts: int) -> None:
        program = copy.program
        program.environ["AMQP_URL"] = self.wire.address_for(copy.name)
        try:
            program.start(max_starts)
        except OSError as error:
            raise CannotJudge(f"there is no program {program.command[0]}: {error.strerror}") from error
        listening = self.wait(lambda: self.listened(copy.name), START_SECONDS)
        if expected:
            self.demanded.add(expected)
        if not listening and expected:
            raise Broken(expected, "", why_it_never_listened(program), program.last_words())
        if not listening:
            raise CannotJudge(why_it_never_listened(program), program.last_words())

    def listened(self, name: str = NAME) -> bool:
        """Whether this copy of the program began to consume, or asked for a message."""
        return any(e.kind in ("consume-ok", "get") and e.program == name for e in list(self.events))

    def order_ids(self, count: int) -> list[str]:
        """So many ids in a row, from somewhere that the seed decides."""
        first = self.random.randrange(1, 9000)
        return [f"A-{number:04}" for number in range(first, first + count)]

    @contextmanager
    def channel(self) -> Iterator[BlockingChannel]:
        """The bench's own way to the broker, past the wire."""
        try:
            connection = open_connection(probe.parsed(self._setting.url, BLOCKED_SECONDS))
        except pika.exceptions.ProbableAccessDeniedError as error:
            raise CannotJudge(f"the broker does not know the vhost {ANOTHER_BROKERS}") from error
        with connection:
            channel = connection.channel()
            channel.confirm_delivery()
            yield channel

    def place(self, queue: str, orders: Sequence[str], expected: Promise | None = None) -> None:
        """Publish these orders straight into a queue, which is declared as the lesson does.

        If it was declared in other words, that is a broken promise where one is named.
        """
        with self.channel() as channel:
            try:
                channel.queue_declare(queue, durable=True)
            except pika.exceptions.ChannelClosedByBroker as error:
                if expected is None:
                    raise
                raise Broken(expected, "", error.reply_text, self.program.last_words()) from error
            for order in orders:
                channel.basic_publish(
                    "", queue, order_created(order), mandatory=True, properties=PERSISTENT_JSON
                )

    def publish(self, exchange: str, events: Sequence[dict]) -> None:
        """Publish these events (`happened` makes them) to an exchange, each with its type as routing key."""
        with self.channel() as channel:
            for event in events:
                publish_until_confirmed(channel, exchange, event["type"], json.dumps(event).encode())

    def send_away(self, seconds: float) -> None:
        """The program's connections end, and it gets no other for so long; returns when they have ended."""
        ended = self._count("ended")
        self.wire.strike(NAME, Refuse(seconds=seconds))
        self.wait(lambda: self._count("ended") > ended, START_SECONDS)

    def _count(self, kind: str) -> int:
        return sum(event.kind == kind for event in list(self.events))

    def kill(self) -> None:
        """SIGKILL to the program, which is started again."""
        self._note_kill(self.copies[0])
        self.program.kill()

    def end(self, copy: Copy) -> None:
        """SIGKILL to this copy, which is not started again."""
        self._note_kill(copy)
        copy.program.end()
        self._over.add(copy.name)

    def _note_kill(self, copy: Copy) -> None:
        self._kills.append(Moment(time.time() - self._began, f"{copy.name} killed"))

    def until_acknowledged_or_stuck(self, order: str) -> None:
        """While the ledger is locked: the program has the order, and acknowledges it now or not at all."""
        self.wait(lambda: self.delivered(order), START_SECONDS)
        self.wait(lambda: self.acknowledged(order), STUCK_SECONDS)

    def until_given_back(self, order: str) -> None:
        """The program has failed over the order: it has answered one way or the other, or has ended."""
        self.wait(lambda: self.answered(order) or bool(self.program.exit_statuses), START_SECONDS)

    def until_answered(self, order: str, kind: str) -> None:
        """The broker has said this (`return`, `confirm-nack`) of the order, or the program has settled it."""
        self.wait(lambda: self.told(order, kind) or self.answered(order), START_SECONDS)

    def stop(self) -> None:
        """End the program for good, and with it the scenario."""
        self._stopped = True
        self._stop_copies()

    def _stop_copies(self) -> None:
        for copy in self.copies:
            copy.program.end()
        end_marked(self._setting.token)

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether the condition comes true in so many seconds; it is looked at whenever something happens."""
        deadline = time.monotonic() + seconds
        with self._news:
            while not condition():
                if self._stopped:
                    raise CannotJudge("it was stopped")
                if time.monotonic() > deadline or any(copy.program.gave_up.is_set() for copy in self.copies):
                    return condition()
                self._news.wait(LOOK_SECONDS)  # a row in the ledger wakes nobody
        return True

    def settle(self, orders: Sequence[str], or_else: Callable[[], bool] = lambda: False) -> None:
        """Wait until each order is shipped and acknowledged, or until nothing more happens.

        `or_else` may know of something else to wait for no longer.
        """
        began = time.time()
        self.wait(
            lambda: self._all_done(orders) or self._is_quiet_since(began) or or_else(), SCENARIO_SECONDS
        )

    def _all_done(self, orders: Sequence[str]) -> bool:
        shipped = {effect.order_id for effect in self.written()}
        return shipped >= set(orders) and all(map(self.acknowledged, orders))

    def _is_quiet_since(self, began: float) -> bool:
        """Nothing has passed the wire for a while, since then, and no copy is just starting."""
        events = [event for event in list(self.events) if event.program not in self._over]
        if not events or events[-1].kind in ("ended", "vanished", "refused", "connect"):
            return False
        last = max([began, self._began + events[-1].time, *(effect.at for effect in self.written())])
        return time.time() - last > QUIET_SECONDS

    # What became of it

    def written(self) -> list[Effect]:
        """All shipments so far, by copy of the program, each copy's in the order in which it wrote them."""
        ledgers = dict.fromkeys(copy.effects for copy in self.copies)  # copies may share one
        return [effect for ledger in ledgers for effect in ledger.written()]

    def shipments(self, order: str) -> int:
        """How many shipments were written for this order."""
        return sum(effect.order_id == order for effect in self.written())

    def deliveries(self, order: str | None = None) -> list[Event]:
        """What the program was sent: of one order, or all of it."""
        sent = [event for event in list(self.events) if event.kind in DELIVERIES]
        return sent if order is None else [each for each in sent if order_in(each.body) == order]

    def spins(self) -> bool:
        """Whether an order was delivered far more often than kills and cuts explain."""
        times = Counter(name_in(each.body) for each in self.deliveries())
        return max(times.values(), default=0) > SPINNING

    def sent_to(self, copy: Copy) -> list[str]:
        """The orders that this copy of the program was sent."""
        return [order_in(each.body) for each in self.deliveries() if each.program == copy.name]

    def delivered(self, order: str) -> bool:
        """Whether the program was sent this order."""
        return bool(self.deliveries(order))

    def told(self, order: str, kind: str) -> bool:
        """Whether an event of this kind was about the order."""
        return any(
            e.kind == kind and (order_in(e.body) == order or covers(e, order)) for e in list(self.events)
        )

    def answered(self, order: str) -> bool:
        """Whether the program acknowledged, returned or rejected it."""
        return any(e.kind in ("ack", "nack", "reject") and covers(e, order) for e in list(self.events))

    def acknowledged(self, order: str) -> bool:
        """Whether an acknowledgement of this order has reached the broker."""
        return any(e.kind == "ack" and e.passed and covers(e, order) for e in list(self.events))

    def left_in(self, queue: str) -> list[str]:
        """End the program; the orders that are then in the queue: none where it went with the program."""
        self._stop_copies()
        with self.channel() as channel:
            try:
                until_nobody_consumes(channel, queue)
            except pika.exceptions.ChannelClosedByBroker as error:
                if error.reply_code != NOT_FOUND:
                    raise
                return []
            return taken_from(channel, queue)

    def demand(self, promise: Promise, holds: bool, order: str = "", found: str = "") -> None:
        """Raise Broken unless this holds, with the journey of the order that shows it, and what was found."""
        self.demanded.add(promise)
        if not holds:
            story = SEPARATOR.join(filter(None, [self.journey(order), found]))
            raise Broken(promise, order, story, self.program.last_words())

    def demand_empty(self, queue: str, promise: Promise) -> None:
        """End the program; raise Broken, with the first order that is left in the queue, if one is."""
        left = self.left_in(queue)
        self.demand(promise, not left, *left[:1])

    def failures(self) -> list[Run]:
        """The runs in which the program failed by itself: not those that the bench killed or cut off."""
        return [
            run
            for copy in self.copies
            for run in list(copy.program.runs)
            if failed_by_itself(run, self._cut_offs(copy.name))
        ]

    def _cut_offs(self, name: str) -> list[CutOff]:
        return cut_offs(name, list(self.events), self._began)

    def _was_refused(self, name: str, run: Run) -> bool:
        return any(each.contains(run) for each in self._cut_offs(name))

    def was_blocked(self) -> bool:
        """Whether the broker held back what the program published."""
        return self._count("blocked") > 0

    def journey(self, order: str) -> str:
        """What became of one order, in a line: what passed the wire, and the shipments in the ledger.

        Of one that never came to the program, the last that did: it may stand in the way.
        """
        if line := self._line(order):
            return f"{order} {line}"
        last = [name_in(each.body) for each in self.deliveries()[-1:]]
        came = [f"the last that came: {name} {self._line(name)}" for name in last]
        return SEPARATOR.join([f"{order} never came to the program", *came])

    def _line(self, order: str) -> str:
        told = [
            *moments(list(self.events), order),
            *(
                Moment(self._when(effect), "shipment written")
                for effect in self.written()
                if effect.order_id == order
            ),
            *self._kills,
        ]
        in_time = sorted(told, key=lambda moment: moment.time)
        return in_a_line([moment.words for moment in in_time])

    def _when(self, effect: Effect) -> float:
        """The wire's seconds at which it was written: after a delivery in the same tick of its clock."""
        at = effect.at - self._began
        delivered = [each.time for each in self.deliveries()]
        return max([at, *(time for time in delivered if at <= time < at + CLOCK_SECONDS)])

    @contextmanager
    def running(self) -> Iterator["Bench"]:
        """From the first connection to the end of the last process."""
        with self.wire:
            try:
                yield self
            finally:
                self._stop_copies()


def why_it_never_listened(program: Program) -> str:
    """What a program did instead of consuming."""
    if program.gave_up.is_set():
        last = program.exit_statuses[-1]
        return f"it ended with status {last} whenever it was started, and never consumed"
    return f"it was started and consumed nothing within {START_SECONDS:g} s"


PERSISTENT_JSON = pika.BasicProperties(content_type="application/json", delivery_mode=2)


def order_created(order_id: str) -> bytes:
    """The event that the lessons' producers publish."""
    order = {"type": "order.created", "order_id": order_id, "customer": "Alice", "amount_cents": 29_999}
    return json.dumps(order).encode()


def happened(kind: str, order_id: str = "", source: str = "shop", **data: object) -> dict:
    """An event in the envelope that lessons have from 04 on, about this order where one is named."""
    about = {"order_id": order_id} if order_id else {}
    return {
        "id": str(uuid.uuid4()),
        "type": kind,
        "source": source,
        "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": about | data,
    }


def covers(event: Event, order: str) -> bool:
    """Whether this acknowledgement settles that order."""
    return any(order_in(each.body) == order for each in event.covers)


def publish_until_confirmed(channel: BlockingChannel, exchange: str, key: str, body: bytes) -> None:
    """Publish, and again while the broker refuses it; raises CannotJudge where it does so for too long.

    It refuses what goes to a queue that is just being deleted, as an exclusive one is whose connection ended.
    """
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            channel.basic_publish(exchange, key, body, properties=PERSISTENT_JSON)
            return
        except pika.exceptions.NackError as error:
            if time.monotonic() > deadline:
                raise CannotJudge(f"the broker went on refusing a message to {exchange!r} {key!r}") from error
            channel.connection.sleep(LOOK_SECONDS)


def taken_from(channel: BlockingChannel, queue: str) -> list[str]:
    """Take all that is ready in the queue: the orders."""
    taken = []
    while (got := channel.basic_get(queue, auto_ack=True))[0]:
        taken.append(order_in(got[2]))
    return taken


def until_nobody_consumes(channel: BlockingChannel, queue: str) -> None:
    """Until the broker has noticed that the program is gone, and has put back what it held."""
    deadline = time.monotonic() + START_SECONDS
    while channel.queue_declare(queue, passive=True).method.consumer_count:
        if time.monotonic() > deadline:
            raise CannotJudge(f"somebody else consumes from {queue}: stop that consumer first")
        channel.connection.sleep(LOOK_SECONDS)
