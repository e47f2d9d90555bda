"""What an observer is told: one immutable event for each thing that passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import pika
import pika.frame

TO_BROKER = "to broker"
TO_PROGRAM = "to program"
EITHER = ""

NOTHING: Mapping[str, object] = MappingProxyType({})

# Kinds that an AMQP frame makes, and the direction in which they pass.
FRAME_KINDS = {
    "connection-open": TO_PROGRAM,
    "connection-close": EITHER,
    "blocked": TO_PROGRAM,
    "unblocked": TO_PROGRAM,
    "heartbeat": EITHER,
    "channel-open": TO_BROKER,
    "channel-close": EITHER,
    "declare-queue": TO_BROKER,
    "declare-queue-ok": TO_PROGRAM,
    "delete-queue": TO_BROKER,
    "purge-queue": TO_BROKER,
    "bind": TO_BROKER,
    "unbind": TO_BROKER,
    "declare-exchange": TO_BROKER,
    "delete-exchange": TO_BROKER,
    "bind-exchange": TO_BROKER,
    "unbind-exchange": TO_BROKER,
    "qos": TO_BROKER,
    "consume": TO_BROKER,
    "consume-ok": TO_PROGRAM,
    "cancel": EITHER,
    "get": TO_BROKER,
    "get-ok": TO_PROGRAM,
    "get-empty": TO_PROGRAM,
    "deliver": TO_PROGRAM,
    "ack": TO_BROKER,
    "nack": TO_BROKER,
    "reject": TO_BROKER,
    "recover": TO_BROKER,
    "confirm-select": TO_BROKER,
    "publish": TO_BROKER,
    "confirm": TO_PROGRAM,
    "confirm-nack": TO_PROGRAM,
    "return": TO_PROGRAM,
}
# Kinds that the wire itself tells.
WIRE_KINDS = {
    "connect": "a program has connected; always the first event of a connection",
    "vanished": "an end went without connection.close: the program's if the direction is `to broker`",
    "ended": "both ends are gone: always the last event of a connection",
    "fault": "the plan has struck; `text` says what it did",
    "refused": "a program tried to connect and was turned away",
    "unreachable": "the broker did not answer; `text` says why",
    "garbled": "something passed that pika cannot decode; on channel 0 all that follows it does so unseen",
}


@dataclass(frozen=True, eq=False)
class Event:
    """One thing that passed, or that the wire did.

    A field that does not belong to the kind keeps its default. Two events are equal only if they are the
    same one.
    """

    kind: str
    program: str = ""
    connection: int = 0
    """Counted from 1 for each program."""
    channel: int = 0
    direction: str = EITHER
    seq: int = 0
    """Counted from 1 over the whole wire, without gaps."""
    time: float = 0.0
    """Seconds since the wire started."""
    passed: bool = True
    """False: a fault kept it from the other side."""
    exchange: str | None = None
    routing_key: str | None = None
    queue: str | None = None
    """The queue of a delivery's consumer, also where the broker named it."""
    consumer_tag: str | None = None
    delivery_tag: int | None = None
    """Of a publish in confirm mode: its sequence number, which its confirm refers to."""
    redelivered: bool | None = None
    multiple: bool | None = None
    requeue: bool | None = None
    body: bytes | None = None
    covers: tuple[Event, ...] = ()
    """Of ack, nack, reject: the deliveries that they settle; of confirm, confirm-nack: the publishes."""
    code: int | None = None
    text: str = ""
    details: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    """The method's other arguments, by pika's names (`durable`, `prefetch_count`, `arguments`, …)."""
    header_frame: bytes | None = field(default=None, repr=False)

    @cached_property
    def properties(self) -> pika.BasicProperties | None:
        """The properties of a message: headers, message_id, content_type, …; None without a message."""
        if self.header_frame is None:
            return None
        return pika.frame.decode_frame(self.header_frame)[1].properties

    def mentions(self, pattern) -> bool:
        """Whether the compiled bytes pattern occurs in the body of this event, or of any that it covers."""
        return any(pattern.search(event.body or b"") for event in (self, *self.covers))

    def as_dict(self) -> dict[str, object]:
        """The event for `json.dumps(…, default=str)`: no defaults, the body as text, `covers` as numbers."""
        shown = {
            name: value
            for name, value in vars(self).items()
            if name not in HIDDEN and value != DEFAULTS.get(name)
        }
        if self.body is not None:
            shown["body"] = self.body.decode(errors="replace")
        if self.header_frame is not None:
            shown["properties"] = {k: v for k, v in vars(self.properties).items() if v is not None}
        if self.covers:
            shown["covers"] = [event.seq for event in self.covers]
        if self.details:
            shown["details"] = dict(self.details)
        return shown


DEFAULTS = {name: each.default for name, each in Event.__dataclass_fields__.items()}
HIDDEN = {"header_frame", "properties", "details"}


def event(**fields: object) -> Event:
    """An event with these fields, made without the frozen dataclass's own `__init__`.

    That takes five times as long: it alone would be a sixth of what the relay may spend on a message.
    """
    made = Event.__new__(Event)
    attributes = made.__dict__
    attributes["details"] = NOTHING
    attributes.update(fields)
    return made


def stamp(drafted: Event, seq: int, time: float, passed: bool) -> None:
    """Complete an event that nobody has seen yet."""
    attributes = drafted.__dict__
    attributes["seq"] = seq
    attributes["time"] = time
    attributes["passed"] = passed
