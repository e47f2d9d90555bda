"""The wire's events as steps: who said what to whom, about which order.

What happens inside the broker, such as an exchange that passes a message on to a queue, does not pass the
wire: no step tells of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from workbench.message import order_in
from workbench.wire import TO_BROKER, TO_PROGRAM, Event

PROGRAM = "program"
EXCHANGE = "exchange"
QUEUE = "queue"

DELIVERIES = {"deliver", "get-ok"}
SETTLEMENTS = {"ack", "nack", "reject"}
ANSWERS = {"confirm", "confirm-nack"}
MESSAGES = {"publish", "return", *DELIVERIES}
# What a reader asks about; the rest is shown on request.
TOLD = {
    "publish", "return", "recover", "vanished", "fault", "refused", "unreachable", "garbled", "blocked",
    "unblocked", *DELIVERIES, *SETTLEMENTS, *ANSWERS,
}  # fmt: skip
CUTTING = {"cut", "cut_after", "kill", "refuse", "down"}
NORMAL_CLOSE = 200
STRIKES = {
    "cut": "cut",
    "cut_after": "cut",
    "kill": "killed",
    "mute": "silenced",
    "refuse": "cut, and refused for a while",
    "down": "the broker goes away",
    "drop": "dropped on the way",
    "hold": "held back",
    "slow": "slowed down",
}
LABELS = {"get-ok": "deliver", "confirm-nack": "not confirmed", "get-empty": "empty"}


@dataclass(frozen=True)
class Participant:
    """One who takes part: `kind` is PROGRAM, EXCHANGE or QUEUE. The two at the broker may share a name."""

    kind: str
    name: str


@dataclass(frozen=True)
class Step:
    """One thing that was said, or that befell a program: then `target` is None.

    `kind` is the wire event's, `label` what a picture calls it. An ack of several deliveries makes a step
    for each of them.
    """

    kind: str
    label: str
    source: Participant
    target: Participant | None = None
    order: str | None = None
    body: bytes | None = None
    """Of the message that was sent or answered: a copy has the same wherever it goes."""
    note: str = ""
    window: int = 0
    """Of a delivery: how many its consumer may hold that are not settled (prefetch); 0 means no bound."""
    passed: bool = True
    """False: the wire kept it from the other side."""
    action: str = ""
    """Of a fault: what it did, by the action's name."""
    undelivered: tuple[str, ...] = ()
    """Orders that this end of a connection or channel took back from the program: none had been acked."""
    unconfirmed: tuple[str, ...] = ()
    """Orders that were published there and whose confirm can no longer come."""
    always: bool = True
    """False: only those who ask for everything want to see it."""
    program: str = ""
    connection: int = 0
    direction: str = ""
    seq: int = 0
    time: float = 0.0
    """Seconds since the wire started."""

    @property
    def message(self) -> str:
        """What is written at an arrow: `ack A-0003`."""
        about = f"{self.label} {self.order}" if self.order is not None else self.label
        return f"{about} ({self.note})" if self.note else about

    @property
    def remark(self) -> str:
        """What is written where something befell a program alone."""
        return self.note or self.label

    def concerns(self, order: str) -> bool:
        """Whether this step belongs to the journey of that order."""
        return order == self.order or order in self.undelivered or order in self.unconfirmed

    def as_dict(self) -> dict[str, object]:
        """The step for `json.dumps`, without what is empty; `from` and `to` have a kind and a name."""
        shown = {
            "seq": self.seq,
            "time": round(self.time, 6),
            "kind": self.kind,
            "label": self.label,
            "from": vars(self.source),
            "to": self.target and vars(self.target),
            "order": self.order,
            "note": self.note,
            "action": self.action,
            "undelivered": self.undelivered,
            "unconfirmed": self.unconfirmed,
        }
        return {name: value for name, value in shown.items() if value not in (None, "", ())} | {
            "passed": self.passed
        }


def printable(text: object) -> str:
    """The text in one line without what could move a cursor or end an XML document."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))


def order_of(event: Event) -> str | None:
    """The order that a message is about: the one that its body names, else the message_id, else None."""
    order = order_in(event.body)
    if not order and event.properties is not None:
        order = event.properties.message_id
    return printable(order) if order else None


def steps_of(events: Iterable[Event], about: Callable[[Event], str | None] = order_of) -> Iterator[Step]:
    """The steps that these events make, each as soon as its event is there.

    `about` says which order a message is about.
    """
    bookkeeping = _Bookkeeping(about)
    for event in events:
        yield from bookkeeping.steps(event)


@dataclass(frozen=True)
class _Open:
    """A delivery that is not settled, or a publish that is not answered."""

    event: Event
    order: str | None


class _Bookkeeping:
    """What later events refer to: what is still open, and which consumers ack automatically."""

    def __init__(self, about: Callable[[Event], str | None]) -> None:
        self._about = about
        self._open: dict[int, _Open] = {}  # by the event's seq
        self._orders: dict[int, str | None] = {}  # of every message, by its seq: faults refer to them
        self._automatic: dict[tuple, bool] = {}  # by channel and consumer tag, which a get has none of
        self._consuming: dict[tuple, deque[bool]] = {}  # what was asked for and not granted yet
        self._windows: dict[tuple, int] = {}  # by channel

    def steps(self, event: Event) -> list[Step]:
        """What this event tells."""
        if event.kind in SETTLEMENTS | ANSWERS:
            return self._settled(event)
        if event.kind in MESSAGES:
            return [self._message(event)]
        self._note_consumer(event)
        return [self._other(event)]

    def _note_consumer(self, event: Event) -> None:
        who = (event.program, event.connection, event.channel)
        if event.kind == "qos":
            self._windows[who] = event.details["prefetch_count"]
        elif event.kind == "get":
            self._automatic[who, None] = event.details["no_ack"]
        elif event.kind == "consume":
            self._consuming.setdefault(who, deque()).append(event.details["no_ack"])
        elif event.kind == "consume-ok" and self._consuming.get(who):
            # The program may have left it to the broker to name the consumer.
            self._automatic[who, event.consumer_tag] = self._consuming[who].popleft()

    def _message(self, event: Event) -> Step:
        order = self._about(event)
        self._orders[event.seq] = order
        automatic = event.kind in DELIVERIES and self._automatic.get(_consumer(event), False)
        # For the broker a delivery is out, whether or not it reached the program.
        confirmed_later = event.kind == "publish" and event.passed and event.delivery_tag is not None
        if confirmed_later or (event.kind in DELIVERIES and not automatic):
            self._open[event.seq] = _Open(event, order)
        note = _message_note(event, automatic)
        window = 0 if automatic else self._window(event)
        return _said(event, _message_label(event), _place(event), order, note, body=event.body, window=window)

    def _window(self, event: Event) -> int:
        """How many messages the consumer of a delivery may hold; who asks with a get has asked for one."""
        if event.kind == "get-ok":
            return 1
        return self._windows.get((event.program, event.connection, event.channel), 0)

    def _settled(self, event: Event) -> list[Step]:
        steps = []
        for covered in event.covers:
            if event.passed or event.kind in ANSWERS:
                self._open.pop(covered.seq, None)
            order = self._orders.get(covered.seq, self._about(covered))
            self._orders[event.seq] = order
            label, note = _settling_label(event), _settling_note(event)
            steps.append(_said(event, label, _place(covered), order, note, body=covered.body))
        return steps

    def _other(self, event: Event) -> Step:
        place = Participant(QUEUE, printable(event.queue)) if event.queue else None
        if place is None and event.exchange:
            place = Participant(EXCHANGE, printable(event.exchange))
        lost = self._close(event)
        return _said(
            event,
            LABELS.get(event.kind, event.kind),
            place,
            self._orders.get(event.details.get("struck")),
            _note(event),
            always=_is_told(event) or bool(lost),
            action=str(event.details.get("action", "")),
            undelivered=_orders(entry for entry in lost if entry.event.kind != "publish"),
            unconfirmed=_orders(entry for entry in lost if entry.event.kind == "publish"),
        )

    def _close(self, event: Event) -> list[_Open]:
        """What was open on a connection or channel that ends with this event."""
        ended = [entry for entry in self._open.values() if _ends(event, entry.event)]
        for entry in ended:
            del self._open[entry.event.seq]
        return ended


def _consumer(delivery: Event) -> tuple:
    return (delivery.program, delivery.connection, delivery.channel), delivery.consumer_tag


def _ends(event: Event, earlier: Event) -> bool:
    if event.program != earlier.program or (event.connection and event.connection != earlier.connection):
        return False
    if event.kind == "channel-close":
        return event.channel == earlier.channel
    if event.kind == "fault":
        return event.details.get("action") in CUTTING
    return event.kind in ("vanished", "connection-close", "ended")


def _orders(entries: Iterable[_Open]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.order for entry in entries if entry.order is not None))


def _is_told(event: Event) -> bool:
    """Whether it is told unasked: an end that the broker brought about is, a goodbye is not."""
    if event.kind in ("channel-close", "connection-close"):
        return event.code != NORMAL_CLOSE and event.direction == TO_PROGRAM
    return event.kind in TOLD or (event.kind == "cancel" and event.direction == TO_PROGRAM)


def _place(message: Event) -> Participant:
    """Where at the broker a message is: the default exchange is drawn as the queue that it leads to."""
    if message.kind in DELIVERIES:
        return Participant(QUEUE, printable(message.queue or "?"))
    if message.exchange:
        return Participant(EXCHANGE, printable(message.exchange))
    return Participant(QUEUE, printable(message.routing_key or "?"))


def _said(event: Event, label: str, place: Participant | None, order, note: str = "", **more) -> Step:
    program = Participant(PROGRAM, printable(event.program))
    towards_program = event.direction == TO_PROGRAM and place is not None
    return Step(
        kind=event.kind,
        label=label,
        source=place if towards_program else program,
        target=program if towards_program else place,
        order=order,
        note=note,
        passed=event.passed,
        program=event.program,
        connection=event.connection,
        direction=event.direction,
        seq=event.seq,
        time=event.time,
        **more,
    )


def _message_label(event: Event) -> str:
    return "redelivered" if event.redelivered else LABELS.get(event.kind, event.kind)


def _message_note(event: Event, automatic: bool) -> str:
    if event.kind == "return":
        return printable(f"{event.code} {event.text}")
    if event.kind == "publish":
        return printable(event.routing_key) if event.exchange else ""
    return "auto-ack" if automatic else ""


def _settling_label(event: Event) -> str:
    if event.kind in ("nack", "reject"):
        return f"{event.kind} requeue" if event.requeue else event.kind
    return LABELS.get(event.kind, event.kind)


def _settling_note(event: Event) -> str:
    # How many publishes one confirm answers is the broker's affair, and another at each run.
    return "multiple" if event.multiple and event.direction == TO_BROKER else ""


def _note(event: Event) -> str:
    if event.kind == "vanished":
        return "vanished" if event.direction == TO_BROKER else "the broker hung up"
    if event.kind in ("channel-close", "connection-close"):
        reason, _, _ = event.text.partition(" - ")  # what follows names vhosts, ports and the like
        return printable(f"{event.kind.partition('-')[0]} closed: {event.code} {reason}")
    return STRIKES.get(str(event.details.get("action")), printable(event.text))
