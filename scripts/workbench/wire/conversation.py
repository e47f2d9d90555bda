"""What was said on one connection: frames become events; the tags are kept, so that observers need not."""

from __future__ import annotations

import struct
from collections import deque
from itertools import takewhile
from types import MappingProxyType
from typing import NamedTuple

import pika.exceptions
import pika.frame
from pika import spec

from workbench.wire.events import TO_BROKER, TO_PROGRAM, Event, event
from workbench.wire.frames import BODY, HEADER, HEARTBEAT, METHOD, Frame


class Consumer(NamedTuple):
    """Where a consumer's deliveries come from, and whether they wait for an ack."""

    queue: str
    auto_ack: bool


class Content:
    """A message of which not all frames have passed yet."""

    __slots__ = ("body", "header", "method", "missing")

    def __init__(self, method: spec.amqp_object.Method) -> None:
        self.method = method
        self.header: bytes | None = None
        self.body: list[bytes] = []
        self.missing = 1

    def add(self, frame: Frame) -> bool:
        """Take the next frame; True when the message is complete."""
        if frame.type == HEADER:
            self.header, self.missing = frame.raw, frame.body_size()
        else:
            payload = frame.payload()
            self.body.append(payload)
            self.missing -= len(payload)
        return self.missing <= 0


class Channel:
    """The state of one channel, from channel.open to channel.close-ok."""

    def __init__(self) -> None:
        self.closing = False
        self.confirming = False
        self.published = 0
        self.unconfirmed: dict[int, Event] = {}
        self.unacked: dict[int, Event] = {}
        self.consumers: dict[str, Consumer] = {}
        self.consuming: deque[Consumer] = deque()
        self.getting: deque[Consumer] = deque()
        # AMQP lets a client say "" for the queue that it declared last.
        self.last_queue = ""
        self.content: dict[str, Content] = {}


def covered(outstanding: dict[int, Event], tag: int, multiple: bool) -> tuple[Event, ...]:
    """The events that an ack or a confirm settles; tag 0 with `multiple` means all that are outstanding."""
    if not multiple:
        return (outstanding[tag],) if tag in outstanding else ()
    if tag == 0:
        return tuple(outstanding.values())
    return tuple(outstanding[known] for known in takewhile(lambda known: known <= tag, outstanding))


class Delivery(NamedTuple):
    """The arguments of basic.deliver, by pika's names."""

    consumer_tag: str
    delivery_tag: int
    redelivered: bool
    exchange: str
    routing_key: str


class Settlement(NamedTuple):
    """The arguments of basic.ack, by pika's names."""

    delivery_tag: int
    multiple: bool


ARGUMENTS = 11
_tag_and_bit = struct.Struct(">QB").unpack_from


def _short_string(raw: bytes, start: int) -> tuple[str, int]:
    end = start + 1 + raw[start]
    return raw[start + 1 : end].decode(errors="replace"), end


def _delivery(raw: bytes) -> Delivery:
    consumer_tag, start = _short_string(raw, ARGUMENTS)
    tag, redelivered = _tag_and_bit(raw, start)
    exchange, start = _short_string(raw, start + 9)
    routing_key, _ = _short_string(raw, start)
    return Delivery(consumer_tag, tag, bool(redelivered), exchange, routing_key)


def _settlement(raw: bytes) -> Settlement:
    tag, multiple = _tag_and_bit(raw, ARGUMENTS)
    return Settlement(tag, bool(multiple))


# Most of the traffic is these two, and pika takes three times as long for them: with its decoder alone the
# wire would slow a consumer down by more than it may.
QUICK = {spec.Basic.Deliver.INDEX: _delivery, spec.Basic.Ack.INDEX: _settlement}


def decoded(method_id: int, frame: Frame):
    """The method in a method frame, by pika's decoder; None where that cannot make sense of it."""
    try:
        if method_id in QUICK:
            return QUICK[method_id](frame.raw)
        return pika.frame.decode_frame(frame.raw)[1].method
    except (pika.exceptions.AMQPError, struct.error, LookupError, ValueError):
        return None


def details(method: spec.amqp_object.Method, *names: str) -> MappingProxyType[str, object]:
    """These arguments of the method, read-only."""
    return MappingProxyType({name: getattr(method, name) for name in names})


class Conversation:
    """The state of one connection, in both directions.

    `hear` is told every frame; `settle` every event that has really passed: an ack that a fault dropped
    leaves its deliveries unacknowledged, as they are at the broker.
    """

    def __init__(self, program: str, connection: int) -> None:
        self._program = program
        self._connection = connection
        self._channels: dict[int, Channel] = {}
        self.closing = False
        """Whether either side has said connection.close."""

    def hear(self, direction: str, frame: Frame) -> Event | None:
        """The event that this frame completes, or None."""
        if frame.type == METHOD:
            method_id = frame.method_id()
            handler = HANDLERS[direction].get(method_id)
            if handler is None:
                return None
            method = decoded(method_id, frame)
            if method is None:
                return self._event(kind="garbled", channel=frame.channel, direction=direction)
            return handler(self, self._channel(frame.channel), frame.channel, method)
        if frame.type in (HEADER, BODY):
            return self._content(direction, frame)
        if frame.type == HEARTBEAT:
            return self._event(kind="heartbeat", channel=0, direction=direction)
        return None

    def midway(self, direction: str, channel: int) -> bool:
        """Whether a message has begun on this channel whose last frame has not passed yet."""
        return channel in self._channels and direction in self._channels[channel].content

    def confirming(self, channel: int) -> bool:
        """Whether the broker confirms what is published on this channel."""
        return self._channel(channel).confirming

    def askable(self) -> list[int]:
        """The open channels on which the wire may say something to the broker now."""
        open_ones = (number for number, channel in self._channels.items() if number and not channel.closing)
        return [number for number in open_ones if not self.midway(TO_BROKER, number)]

    def settle(self, passed: Event) -> None:
        """Take note that what this event covers is now settled."""
        if not passed.covers:
            return
        channel = self._channel(passed.channel)
        outstanding = channel.unacked if passed.direction == TO_BROKER else channel.unconfirmed
        for settled in passed.covers:
            outstanding.pop(settled.delivery_tag, None)

    def _channel(self, number: int) -> Channel:
        channel = self._channels.get(number)
        if channel is None:
            channel = self._channels[number] = Channel()
        return channel

    def _event(self, **fields: object) -> Event:
        return event(program=self._program, connection=self._connection, **fields)

    def _content(self, direction: str, frame: Frame) -> Event | None:
        channel = self._channel(frame.channel)
        content = channel.content.get(direction)
        if content is None or not content.add(frame):
            return None
        del channel.content[direction]
        return CONTENT[type(content.method)](self, channel, frame.channel, content)

    def _message(self, kind: str, number: int, direction: str, content: Content, **fields: object) -> Event:
        method, body = content.method, content.body
        return self._event(
            kind=kind,
            channel=number,
            direction=direction,
            exchange=method.exchange,
            routing_key=method.routing_key,
            body=body[0] if len(body) == 1 else b"".join(body),
            header_frame=content.header,
            **fields,
        )

    # Connections and channels

    def _open_connection(self, _channel, _number, _method) -> Event:
        return self._event(kind="connection-open", channel=0, direction=TO_PROGRAM)

    def _close_connection(self, direction: str, _channel, _number, method) -> Event:
        self.closing = True
        return self._closed("connection-close", 0, direction, method)

    def _close_channel(self, direction: str, channel: Channel, number: int, method) -> Event:
        channel.closing = True
        return self._closed("channel-close", number, direction, method)

    def _closed(self, kind: str, number: int, direction: str, method) -> Event:
        reason = {"code": method.reply_code, "text": method.reply_text}
        return self._event(kind=kind, channel=number, direction=direction, **reason)

    def _open_channel(self, _channel, number: int, _method) -> Event:
        self._channels[number] = Channel()
        return self._event(kind="channel-open", channel=number, direction=TO_BROKER)

    def _forget_channel(self, _channel, number: int, _method) -> None:
        self._channels.pop(number, None)

    def _blocked(self, _channel, _number, method) -> Event:
        return self._event(kind="blocked", channel=0, direction=TO_PROGRAM, text=method.reason)

    def _unblocked(self, _channel, _number, _method) -> Event:
        return self._event(kind="unblocked", channel=0, direction=TO_PROGRAM)

    # Topology

    def _declare_queue(self, channel: Channel, number: int, method) -> Event:
        if method.queue:
            channel.last_queue = method.queue
        names = ("passive", "durable", "exclusive", "auto_delete", "arguments")
        return self._asked("declare-queue", number, queue=method.queue, details=details(method, *names))

    def _declared_queue(self, channel: Channel, number: int, method) -> Event:
        channel.last_queue = method.queue
        return self._event(
            kind="declare-queue-ok",
            channel=number,
            direction=TO_PROGRAM,
            queue=method.queue,
            details=details(method, "message_count", "consumer_count"),
        )

    def _delete_queue(self, channel: Channel, number: int, method) -> Event:
        return self._asked("delete-queue", number, queue=method.queue or channel.last_queue)

    def _purge_queue(self, channel: Channel, number: int, method) -> Event:
        return self._asked("purge-queue", number, queue=method.queue or channel.last_queue)

    def _bind(self, channel: Channel, number: int, method) -> Event:
        return self._binding("bind", channel, number, method)

    def _unbind(self, channel: Channel, number: int, method) -> Event:
        return self._binding("unbind", channel, number, method)

    def _binding(self, kind: str, channel: Channel, number: int, method) -> Event:
        return self._asked(
            kind,
            number,
            queue=method.queue or channel.last_queue,
            exchange=method.exchange,
            routing_key=method.routing_key,
            details=details(method, "arguments"),
        )

    def _declare_exchange(self, _channel, number: int, method) -> Event:
        names = ("type", "passive", "durable", "auto_delete", "internal", "arguments")
        return self._asked(
            "declare-exchange", number, exchange=method.exchange, details=details(method, *names)
        )

    def _delete_exchange(self, _channel, number: int, method) -> Event:
        return self._asked("delete-exchange", number, exchange=method.exchange)

    def _bind_exchange(self, _channel, number: int, method) -> Event:
        return self._exchange_binding("bind-exchange", number, method)

    def _unbind_exchange(self, _channel, number: int, method) -> Event:
        return self._exchange_binding("unbind-exchange", number, method)

    def _exchange_binding(self, kind: str, number: int, method) -> Event:
        rest = details(method, "destination", "arguments")
        return self._asked(kind, number, exchange=method.source, routing_key=method.routing_key, details=rest)

    def _asked(self, kind: str, number: int, **fields: object) -> Event:
        return self._event(kind=kind, channel=number, direction=TO_BROKER, **fields)

    # Consuming

    def _qos(self, _channel, number: int, method) -> Event:
        return self._asked("qos", number, details=details(method, "prefetch_count", "global_qos"))

    def _consume(self, channel: Channel, number: int, method) -> Event:
        consumer = Consumer(method.queue or channel.last_queue, method.no_ack)
        if method.nowait:
            channel.consumers[method.consumer_tag] = consumer
        else:
            channel.consuming.append(consumer)
        rest = details(method, "no_ack", "exclusive", "arguments")
        tag = method.consumer_tag
        return self._asked("consume", number, queue=consumer.queue, consumer_tag=tag, details=rest)

    def _consuming(self, channel: Channel, number: int, method) -> Event:
        consumer = channel.consuming.popleft()
        # The consume may have been sent before the broker had named the queue.
        consumer = consumer._replace(queue=consumer.queue or channel.last_queue)
        channel.consumers[method.consumer_tag] = consumer
        told = {"queue": consumer.queue, "consumer_tag": method.consumer_tag}
        return self._event(kind="consume-ok", channel=number, direction=TO_PROGRAM, **told)

    def _cancel(self, direction: str, channel: Channel, number: int, method) -> Event:
        consumer = channel.consumers.get(method.consumer_tag)
        told = {"queue": consumer and consumer.queue, "consumer_tag": method.consumer_tag}
        return self._event(kind="cancel", channel=number, direction=direction, **told)

    def _get(self, channel: Channel, number: int, method) -> Event:
        consumer = Consumer(method.queue or channel.last_queue, method.no_ack)
        channel.getting.append(consumer)
        return self._asked("get", number, queue=consumer.queue, details=details(method, "no_ack"))

    def _got_nothing(self, channel: Channel, number: int, _method) -> Event:
        queue = channel.getting.popleft().queue
        return self._event(kind="get-empty", channel=number, direction=TO_PROGRAM, queue=queue)

    def _got(self, channel: Channel, number: int, content: Content) -> Event:
        return self._delivered("get-ok", channel, number, content, channel.getting.popleft())

    def _deliver(self, channel: Channel, number: int, content: Content) -> Event:
        tag = content.method.consumer_tag
        consumer = channel.consumers.get(tag, Consumer("", False))
        return self._delivered("deliver", channel, number, content, consumer, consumer_tag=tag)

    def _delivered(
        self, kind: str, channel: Channel, number: int, content: Content, consumer: Consumer, **fields: object
    ) -> Event:
        tag = content.method.delivery_tag
        told = self._message(
            kind,
            number,
            TO_PROGRAM,
            content,
            queue=consumer.queue,
            delivery_tag=tag,
            redelivered=content.method.redelivered,
            **fields,
        )
        if not consumer.auto_ack:
            channel.unacked[tag] = told
        return told

    def _ack(self, channel: Channel, number: int, method) -> Event:
        return self._settling("ack", channel.unacked, number, TO_BROKER, method)

    def _nack(self, channel: Channel, number: int, method) -> Event:
        return self._settling("nack", channel.unacked, number, TO_BROKER, method, requeue=method.requeue)

    def _reject(self, channel: Channel, number: int, method) -> Event:
        return self._asked(
            "reject",
            number,
            delivery_tag=method.delivery_tag,
            multiple=False,
            requeue=method.requeue,
            covers=covered(channel.unacked, method.delivery_tag, False),
        )

    def _settling(
        self, kind: str, outstanding: dict[int, Event], number: int, direction: str, method, **fields: object
    ) -> Event:
        return self._event(
            kind=kind,
            channel=number,
            direction=direction,
            delivery_tag=method.delivery_tag,
            multiple=method.multiple,
            covers=covered(outstanding, method.delivery_tag, method.multiple),
            **fields,
        )

    def _recover(self, _channel, number: int, method) -> Event:
        return self._asked("recover", number, requeue=method.requeue)

    def _recovered(self, channel: Channel, _number: int, _method) -> None:
        channel.unacked.clear()

    # Publishing

    def _select_confirms(self, channel: Channel, number: int, _method) -> Event:
        channel.confirming = True
        return self._asked("confirm-select", number)

    def _publish(self, channel: Channel, number: int, content: Content) -> Event:
        rest = details(content.method, "mandatory")
        if not channel.confirming:
            return self._message("publish", number, TO_BROKER, content, details=rest)
        channel.published += 1
        tag = channel.published
        told = self._message("publish", number, TO_BROKER, content, delivery_tag=tag, details=rest)
        channel.unconfirmed[tag] = told
        return told

    def _confirm(self, channel: Channel, number: int, method) -> Event:
        return self._settling("confirm", channel.unconfirmed, number, TO_PROGRAM, method)

    def _confirm_nack(self, channel: Channel, number: int, method) -> Event:
        return self._settling("confirm-nack", channel.unconfirmed, number, TO_PROGRAM, method)

    def _return(self, _channel, number: int, content: Content) -> Event:
        reason = {"code": content.method.reply_code, "text": content.method.reply_text}
        return self._message("return", number, TO_PROGRAM, content, **reason)


def _either(handler, direction: str):
    """A handler for a method that both sides may send."""
    return lambda self, channel, number, method: handler(self, direction, channel, number, method)


def _begin(direction: str):
    """A handler for a method that a message follows."""

    def begin(_self, channel: Channel, _number: int, method) -> None:
        channel.content[direction] = Content(method)

    return begin


_SAME_BOTH_WAYS = {
    spec.Connection.Close: Conversation._close_connection,
    spec.Channel.Close: Conversation._close_channel,
    spec.Basic.Cancel: Conversation._cancel,
}
_FROM_PROGRAM = {
    spec.Channel.Open: Conversation._open_channel,
    spec.Channel.CloseOk: Conversation._forget_channel,
    spec.Queue.Declare: Conversation._declare_queue,
    spec.Queue.Delete: Conversation._delete_queue,
    spec.Queue.Purge: Conversation._purge_queue,
    spec.Queue.Bind: Conversation._bind,
    spec.Queue.Unbind: Conversation._unbind,
    spec.Exchange.Declare: Conversation._declare_exchange,
    spec.Exchange.Delete: Conversation._delete_exchange,
    spec.Exchange.Bind: Conversation._bind_exchange,
    spec.Exchange.Unbind: Conversation._unbind_exchange,
    spec.Basic.Qos: Conversation._qos,
    spec.Basic.Consume: Conversation._consume,
    spec.Basic.Get: Conversation._get,
    spec.Basic.Ack: Conversation._ack,
    spec.Basic.Nack: Conversation._nack,
    spec.Basic.Reject: Conversation._reject,
    spec.Basic.Recover: Conversation._recover,
    spec.Confirm.Select: Conversation._select_confirms,
    spec.Basic.Publish: _begin(TO_BROKER),
}
_FROM_BROKER = {
    spec.Connection.OpenOk: Conversation._open_connection,
    spec.Connection.Blocked: Conversation._blocked,
    spec.Connection.Unblocked: Conversation._unblocked,
    spec.Channel.CloseOk: Conversation._forget_channel,
    spec.Queue.DeclareOk: Conversation._declared_queue,
    spec.Basic.ConsumeOk: Conversation._consuming,
    spec.Basic.GetEmpty: Conversation._got_nothing,
    spec.Basic.RecoverOk: Conversation._recovered,
    spec.Basic.Ack: Conversation._confirm,
    spec.Basic.Nack: Conversation._confirm_nack,
    spec.Basic.Deliver: _begin(TO_PROGRAM),
    spec.Basic.GetOk: _begin(TO_PROGRAM),
    spec.Basic.Return: _begin(TO_PROGRAM),
}
CONTENT = {
    spec.Basic.Publish: Conversation._publish,
    Delivery: Conversation._deliver,
    spec.Basic.GetOk: Conversation._got,
    spec.Basic.Return: Conversation._return,
}


def _table(direction: str, own: dict) -> dict:
    shared = {method: _either(handler, direction) for method, handler in _SAME_BOTH_WAYS.items()}
    # Methods in no table pass undecoded: connection.start-ok, with the password in it, is one of them.
    return {method.INDEX: handler for method, handler in {**shared, **own}.items()}


HANDLERS = {TO_BROKER: _table(TO_BROKER, _FROM_PROGRAM), TO_PROGRAM: _table(TO_PROGRAM, _FROM_BROKER)}
