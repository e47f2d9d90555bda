"""The wire: what it tells, what it breaks, and what program and broker have of it afterwards."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from itertools import islice
from urllib.parse import quote, urlsplit

import pika
import pika.exceptions
import pika.frame
import pytest
from pika import spec
from workbench import amqp
from workbench.address import with_vhost
from workbench.wire import (
    TO_BROKER,
    TO_PROGRAM,
    Cut,
    CutAfter,
    Down,
    Drop,
    Fault,
    FaultPlan,
    Hold,
    Kill,
    Mute,
    Refuse,
    Slow,
    When,
    Wire,
)
from workbench.wire.conversation import Conversation
from workbench.wire.frames import FrameSplitter, NotAMQP
from workbench.wire.lookout import Lookout

PATIENCE = 20
QUEUE = "orders"


# --- the broker, and what is on it


def open_connection(url: str) -> pika.BlockingConnection:
    return amqp.open_connection(pika.URLParameters(url))


@contextmanager
def channel_to(url: str):
    """A channel; a connection that was cut in the meantime needs no closing."""
    connection = open_connection(url)
    try:
        yield connection.channel()
    finally:
        if connection.is_open:
            connection.close()


def fill(url: str, count: int, size: int = 0) -> None:
    """A queue with the orders A-1, A-2, …"""
    with channel_to(url) as channel:
        channel.queue_declare(QUEUE, durable=True)
        for number in range(1, count + 1):
            channel.basic_publish("", QUEUE, f'{{"order": "A-{number}"}}'.encode() + b" " * size)
    # Closing the connection is answered when all that was published has been handled.


def ready(url: str) -> int:
    with channel_to(url) as channel:
        return channel.queue_declare(QUEUE, durable=True, passive=True).method.message_count


def await_ready(url: str, count: int) -> None:
    """The broker requeues in its own time; nothing tells us when."""
    deadline = time.monotonic() + PATIENCE
    while ready(url) != count:
        assert time.monotonic() < deadline, f"{ready(url)} messages are ready, not {count}"
        time.sleep(0.05)


def left(url: str) -> list[tuple[str, bool]]:
    """What is in the queue, taken out: (order, redelivered)."""
    with channel_to(url) as channel:
        taken = iter(lambda: channel.basic_get(QUEUE, auto_ack=True), (None, None, None))
        return [(json.loads(body)["order"], method.redelivered) for method, _, body in taken]


# --- what observers are told


class Observed:
    """Keeps what the wire tells, and waits for more of it."""

    def __init__(self) -> None:
        self.events = []
        self._news = threading.Condition()

    def __call__(self, event) -> None:
        """Take what the wire tells."""
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def of(self, *kinds: str, program: str | None = None) -> list:
        """The events of these kinds so far."""
        return [e for e in self.events if e.kind in kinds and program in (None, e.program)]

    def wait(self, kind: str, nth: int = 1, program: str | None = None):
        """The nth event of this kind, when it has come."""
        with self._news:
            came = self._news.wait_for(lambda: len(self.of(kind, program=program)) >= nth, PATIENCE)
        assert came, f"no {kind}, only {[e.kind for e in self.events]}"
        return self.of(kind, program=program)[nth - 1]


@pytest.fixture
def seen():
    return Observed()


def plan_of(when: When, do) -> FaultPlan:
    """A plan with one fault, that has been JSON in between."""
    plan = FaultPlan((Fault(when, do),), seed=7)
    assert FaultPlan.from_json(plan.to_json()) == plan
    return plan


def consume(url: str, count: int, prefetch: int = 10):
    """Handle and acknowledge that many orders; yields each order before its ack."""
    with channel_to(url) as channel:
        channel.basic_qos(prefetch_count=prefetch)
        for number, (method, _, body) in enumerate(channel.consume(QUEUE, inactivity_timeout=PATIENCE), 1):
            yield json.loads(body)["order"]
            channel.basic_ack(method.delivery_tag)
            if number == count:
                return


def consume_until_lost(url: str, count: int = 100, prefetch: int = 10) -> list[str]:
    """The orders that were handled until the connection was lost."""
    handled = []
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        handled.extend(order for order in consume(url, count, prefetch) if handled.append(order))
    return handled


CONSUMER = """
import os, pika
channel = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"])).channel()
channel.basic_qos(prefetch_count=10)
for method, _, body in channel.consume("orders"):
    channel.basic_ack(method.delivery_tag)
"""
PUBLISHER = """
import os, pika
channel = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"])).channel()
channel.confirm_delivery()
channel.basic_publish("", "orders", b'{"order": "A-1"}')
print("confirmed")
"""


@contextmanager
def running(program: str, url: str):
    """A real process that speaks through the wire."""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "AMQP_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


# --- frames


def stream() -> tuple[bytes, list[bytes]]:
    """Some frames of every type, with interleaved channels, and the same as one stream."""
    header = spec.BasicProperties(message_id="m", headers={"n": 1})
    frames = [
        pika.frame.ProtocolHeader().marshal(),
        pika.frame.Method(0, spec.Connection.Open("/")).marshal(),
        pika.frame.Method(1, spec.Basic.Publish(0, "", QUEUE)).marshal(),
        pika.frame.Method(2, spec.Basic.Publish(0, "", QUEUE)).marshal(),
        pika.frame.Header(1, 4000, header).marshal(),
        pika.frame.Heartbeat().marshal(),
        pika.frame.Header(2, 0, header).marshal(),
        pika.frame.Body(1, b"\xce" * 3000).marshal(),
        pika.frame.Method(2, spec.Basic.Ack(3, True)).marshal(),
        pika.frame.Body(1, b"x" * 1000).marshal(),
    ]
    return b"".join(frames), frames


@pytest.mark.parametrize("seed", range(40))
def test_frames_are_the_same_wherever_reads_split_them(seed):
    rng = random.Random(seed)
    whole, frames = stream()
    most = rng.choice([1, 2, 9, 100, 5000])
    splitter, passed, found = FrameSplitter(), b"", []
    rest = whole
    while rest:
        size = rng.randint(1, most)
        raw, complete = splitter.feed(rest[:size])
        passed, rest = passed + raw, rest[size:]
        found += complete
        assert passed == b"".join(frame.raw for frame in found)
    assert [frame.raw for frame in found] == frames
    assert [frame.channel for frame in found] == [0, 0, 1, 2, 1, 0, 2, 1, 2, 1]
    assert splitter.rest() == b""


def test_what_is_not_amqp_is_handed_back_whole():
    whole, _ = stream()
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x01\x00\x01\x00\x00\x00\x01xx" + whole):
        splitter = FrameSplitter()
        splitter.feed(garbage[:3])
        with pytest.raises(NotAMQP):
            splitter.feed(garbage[3:])
        assert splitter.rest() == garbage


def test_a_frame_never_shows_its_bytes():
    response = spec.Connection.StartOk({}, "PLAIN", b"\0guest\0s3cret", "en_US")
    _, [frame] = FrameSplitter().feed(pika.frame.Method(0, response).marshal())
    assert "s3cret" not in repr(frame) + str([frame])
    assert Conversation("p", 1).hear(TO_BROKER, frame) is None


def test_messages_that_interleave_on_two_channels_are_told_apart():
    conversation = Conversation("shop", 1)
    _, frames = FrameSplitter().feed(stream()[0])
    told = [event for event in (conversation.hear(TO_BROKER, frame) for frame in frames) if event]
    kinds = [(e.kind, e.channel) for e in told]
    assert kinds == [("heartbeat", 0), ("publish", 2), ("ack", 2), ("publish", 1)]
    assert [e.body for e in told if e.kind == "publish"] == [b"", b"\xce" * 3000 + b"x" * 1000]
    assert told[-1].properties.headers == {"n": 1}


# --- plans


def test_a_plan_reads_as_one_line_for_each_fault():
    plan = FaultPlan(
        (
            Fault(When("ack", nth=3, program="shipping"), Cut()),
            Fault(When("confirm", about="A-2"), Hold(seconds=2, until=When("ack", program="billing"))),
            Fault(When("deliver", chance=0.5, times=4), Drop()),
            Fault(When("publish"), Down(seconds=2, announced=True)),
        ),
        seed=42,
    )
    assert str(plan).splitlines() == [
        "shipping: 3rd ack: cut before it passes",
        "any program: 1st confirm about A-2: hold it back for 2 s or until billing: 1st ack",
        "any program: 1st deliver onward, by a chance of 0.5, 4 times: drop it",
        "any program: 1st publish: the broker goes away with connection.close 320, for 2 s",
        "seed 42",
    ]
    assert FaultPlan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("when", "do"),
    [
        ({"kind": "acknowledge"}, Cut()),
        ({"kind": "ack", "nth": 0}, Cut()),
        ({"kind": "ack", "chance": 0.0}, Cut()),
        ({"kind": "publish"}, Drop()),
        ({"kind": "connect"}, Hold(seconds=1)),
        ({"kind": "ack"}, Hold()),
        ({"kind": "ack"}, Refuse()),
        ({"kind": "ack"}, Refuse(seconds=1, tries=1)),
        ({"kind": "ack"}, Slow(per_second=0)),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(when, do):
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        Fault(When(**when), do)


@pytest.mark.parametrize(
    "text", ["{}", "[]", "3", '{"faults": [{"when": {"kind": "ack"}, "do": {"action": "explode"}}]}']
)
def test_json_that_is_no_plan_is_refused(text):
    with pytest.raises(ValueError, match="no fault plan"):
        FaultPlan.from_json(text)


def acks(bodies: list[bytes]) -> list:
    """Acks for deliveries with these bodies."""
    from workbench.wire.events import event

    return [
        event(kind="ack", program="p", covers=(event(kind="deliver", body=body),), number=number)
        for number, body in enumerate(bodies, 1)
    ]


def struck(plan: FaultPlan, events: list) -> list[int]:
    lookout = Lookout(plan)
    return [event.number for event in events if lookout.strike(event)]


def test_chance_is_the_same_for_the_same_seed():
    def strikes(seed: int) -> list[int]:
        return struck(FaultPlan((Fault(When("ack", chance=0.3, times=50), Drop()),), seed), acks([b""] * 200))

    assert strikes(1) == strikes(1)
    assert strikes(1) != strikes(2)
    assert len(strikes(1)) == 50


def test_an_order_is_found_by_its_whole_id_and_counted_alone():
    bodies = [b'{"order": "A-10"}', b'{"order": "A-1"}', b'{"order": "XA-1"}', b'{"order": "A-1"}', b"A-1-b"]
    assert struck(plan_of(When("ack", about="A-1"), Drop()), acks(bodies)) == [2]
    assert struck(plan_of(When("ack", about="A-1", nth=2), Drop()), acks(bodies)) == [4]


def test_from_the_nth_on_for_so_many_times():
    assert struck(plan_of(When("ack", nth=3, times=2), Drop()), acks([b""] * 9)) == [3, 4]


# --- what is told


def test_publishing_is_told_with_its_confirms(vhost_url, seen):
    with Wire(vhost_url, observer=seen) as wire, channel_to(wire.address_for("shop")) as channel:
        channel.exchange_declare("shop", "topic", durable=True)
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind("", "shop", "order.*")
        channel.confirm_delivery()
        properties = pika.BasicProperties(message_id="m-1", headers={"try": 1}, correlation_id="c")
        channel.basic_publish("shop", "order.created", b"hello", properties)
        with pytest.raises(pika.exceptions.UnroutableError):
            channel.basic_publish("shop", "nobody", b"lost", mandatory=True)

    publish, lost = seen.of("publish")
    assert (publish.exchange, publish.routing_key, publish.body) == ("shop", "order.created", b"hello")
    assert (publish.program, publish.connection, publish.channel) == ("shop", 1, 1)
    assert (publish.direction, publish.delivery_tag, publish.passed) == (TO_BROKER, 1, True)
    assert publish.properties.message_id == "m-1"
    assert publish.properties.headers == {"try": 1}
    assert [e.covers for e in seen.of("confirm")] == [(publish,), (lost,)]
    returned = seen.of("return")[0]
    assert (returned.body, returned.code, returned.text) == (b"lost", 312, "NO_ROUTE")
    bind = seen.of("bind")[0]
    assert (bind.queue, bind.exchange, bind.routing_key) == (queue, "shop", "order.*")
    assert seen.of("declare-exchange")[0].details["type"] == "topic"
    assert seen.of("declare-queue-ok")[0].queue == queue
    assert [e.seq for e in seen.events] == list(range(1, len(seen.events) + 1))
    assert all(a.time <= b.time for a, b in zip(seen.events, seen.events[1:], strict=False))
    assert (seen.events[0].kind, seen.events[-1].kind) == ("connect", "ended")
    json.dumps([e.as_dict() for e in seen.events], default=str)


def test_what_an_ack_covers_is_told(vhost_url, seen):
    fill(vhost_url, 8)
    with Wire(vhost_url, observer=seen) as wire, channel_to(wire.address_for("shipping")) as channel:
        deliveries = channel.consume(QUEUE)
        tags = [next(deliveries)[0].delivery_tag for _ in range(8)]
        channel.basic_ack(tags[1])
        channel.basic_ack(tags[3], multiple=True)
        channel.basic_nack(tags[4], requeue=False)
        channel.basic_reject(tags[5], requeue=False)
        channel.basic_ack(0, multiple=True)

    delivered = seen.of("deliver")
    assert {(e.queue, e.redelivered) for e in delivered} == {(QUEUE, False)}
    settled = [(e.kind, [c.delivery_tag for c in e.covers]) for e in seen.of("ack", "nack", "reject")]
    assert settled == [("ack", [2]), ("ack", [1, 3, 4]), ("nack", [5]), ("reject", [6]), ("ack", [7, 8])]
    assert seen.of("ack")[0].covers[0] is delivered[1]
    assert seen.of("nack")[0].requeue is False


def test_get_redelivery_and_auto_ack_are_told(vhost_url, seen):
    fill(vhost_url, 2)
    with Wire(vhost_url, observer=seen) as wire, channel_to(wire.address_for("shipping")) as channel:
        method, _, _ = channel.basic_get(QUEUE)
        channel.basic_reject(method.delivery_tag, requeue=True)
        for _ in range(2):
            channel.basic_get(QUEUE, auto_ack=True)
        channel.basic_get(QUEUE, auto_ack=True)
        fill(vhost_url, 1)
        assert next(channel.consume(QUEUE, auto_ack=True))
        channel.basic_ack(0, multiple=True)

    assert [e.redelivered for e in seen.of("get-ok")] == [False, True, False]
    assert {e.queue for e in seen.of("get-ok", "get-empty", "get", "deliver")} == {QUEUE}
    assert len(seen.of("get-empty")) == 1
    assert seen.of("ack")[0].covers == ()


def test_reasons_for_closing_are_told(vhost_url, seen):
    with Wire(vhost_url, observer=seen) as wire:
        with (
            channel_to(wire.address_for("shop")) as channel,
            pytest.raises(pika.exceptions.ChannelClosedByBroker),
        ):
            channel.queue_declare("nowhere", passive=True)
        nowhere = with_vhost(wire.address_for("shop"), "nowhere")
        with pytest.raises(pika.exceptions.AMQPConnectionError):
            open_connection(nowhere)

    closed = seen.of("channel-close")[0]
    assert (closed.code, closed.direction) == (404, TO_PROGRAM)
    assert "nowhere" in closed.text
    ends = [(e.code, e.direction, e.connection) for e in seen.of("connection-close")]
    assert ends == [(200, TO_BROKER, 1), (530, TO_PROGRAM, 2)]
    assert seen.of("vanished") == []


def test_a_consumer_cancelled_by_the_broker_is_told(vhost_url, seen):
    fill(vhost_url, 1)
    with Wire(vhost_url, observer=seen) as wire, channel_to(wire.address_for("shipping")) as channel:
        deliveries = channel.consume(QUEUE, inactivity_timeout=PATIENCE)
        next(deliveries)
        with channel_to(vhost_url) as other:
            other.queue_delete(QUEUE)
        assert list(deliveries) == []
    assert (seen.of("cancel")[0].queue, seen.of("cancel")[0].direction) == (QUEUE, TO_PROGRAM)


@pytest.mark.parametrize("frame_max", [8192, 131072])
@pytest.mark.parametrize("watched", [False, True])
def test_large_bodies_pass_unharmed(vhost_url, seen, frame_max, watched):
    bodies = [os.urandom(size) for size in (0, 1, 8184, 8185, 1_500_000)]
    plan = (
        plan_of(When("ack", nth=99), Cut())
        if not watched
        else FaultPlan(
            tuple(Fault(When(kind, nth=99), Cut()) for kind in ("publish", "deliver", "ack", "confirm"))
        )
    )
    with (
        Wire(vhost_url, plan, observer=seen) as wire,
        channel_to(wire.address_for("shop") + f"?frame_max={frame_max}") as channel,
    ):
        channel.queue_declare(QUEUE, durable=True)
        channel.confirm_delivery()
        for body in bodies:
            channel.basic_publish("", QUEUE, body)
        got = [body for _, _, body in islice(channel.consume(QUEUE), len(bodies))]
    assert got == bodies
    assert [e.body for e in seen.of("publish")] == bodies
    assert [e.body for e in seen.of("deliver")] == bodies


def test_programs_and_connections_are_told_apart(vhost_url, seen):
    fill(vhost_url, 4)
    with Wire(vhost_url, observer=seen) as wire:
        assert wire.address_for("a") == wire.address_for("a") != wire.address_for("b")
        with (
            channel_to(wire.address_for("a")) as one,
            channel_to(wire.address_for("a")) as two,
            channel_to(wire.address_for("b")) as three,
        ):
            for channel in (one, two, three, one.connection.channel()):
                assert channel.basic_get(QUEUE)[0]
    got = [(e.program, e.connection, e.channel, e.delivery_tag) for e in seen.of("get-ok")]
    assert got == [("a", 1, 1, 1), ("a", 2, 1, 1), ("b", 1, 1, 1), ("a", 1, 2, 1)]


def test_a_program_that_just_dies_is_told(vhost_url, seen):
    fill(vhost_url, 1)
    with Wire(vhost_url, observer=seen) as wire, running(CONSUMER, wire.address_for("shipping")) as process:
        seen.wait("ack")
        process.send_signal(signal.SIGKILL)
        assert seen.wait("vanished").direction == TO_BROKER
        seen.wait("ended")
    assert seen.of("connection-close") == []


# --- what goes wrong


def test_cut_as_the_nth_ack_passes(vhost_url, seen):
    fill(vhost_url, 5)
    plan = plan_of(When("ack", nth=3, program="shipping"), Cut())
    with Wire(vhost_url, plan, observer=seen) as wire:
        handled = consume_until_lost(wire.address_for("shipping"))
        seen.wait("ended")
    assert handled[:3] == ["A-1", "A-2", "A-3"]
    assert [e.passed for e in seen.of("ack")] == [True, True, False]
    await_ready(vhost_url, 3)
    assert left(vhost_url) == [("A-3", True), ("A-4", True), ("A-5", True)]
    cut = seen.of("ack")[2]
    fault = seen.of("fault")[0]
    assert fault.details == {"action": "cut", "struck": cut.seq}
    assert fault.seq == cut.seq + 1
    assert seen.of("vanished") == []


def test_cut_before_a_publish_passes(vhost_url, seen):
    fill(vhost_url, 0)
    with Wire(vhost_url, plan_of(When("publish", about="A-2"), Cut()), observer=seen) as wire:
        with channel_to(wire.address_for("shop")) as channel:
            channel.confirm_delivery()
            channel.basic_publish("", QUEUE, b'{"order": "A-1"}')
            with pytest.raises(pika.exceptions.AMQPConnectionError):
                channel.basic_publish("", QUEUE, b'{"order": "A-2"}' + b" " * 300_000)
        seen.wait("ended")
    assert left(vhost_url) == [("A-1", False)]
    assert [e.passed for e in seen.of("publish")] == [True, False]


def publish_and_listen(channel) -> None:
    """Without confirms, pika learns only afterwards what became of the connection."""
    channel.basic_publish("", QUEUE, b'{"order": "A-1"}')
    listen_until_lost(channel.connection)


@pytest.mark.parametrize("confirms", [True, False])
def test_cut_after_a_publish_leaves_the_message_with_the_broker(vhost_url, seen, confirms):
    fill(vhost_url, 0)
    with Wire(vhost_url, plan_of(When("publish"), CutAfter()), observer=seen) as wire:
        with channel_to(wire.address_for("shop")) as channel:
            if confirms:
                channel.confirm_delivery()
            with pytest.raises(pika.exceptions.AMQPConnectionError):
                publish_and_listen(channel)
        seen.wait("ended")
        assert left(vhost_url) == [("A-1", False)]
    assert seen.of("publish")[0].passed
    assert [(e.passed, e.covers) for e in seen.of("confirm")] == [
        (False, tuple(seen.of("publish")))
    ] * confirms
    assert seen.of("fault")[0].text == "cut after it has arrived"


def test_cut_after_an_ack_leaves_nothing_to_redeliver(vhost_url, seen):
    fill(vhost_url, 3)
    with Wire(vhost_url, plan_of(When("ack", nth=2), CutAfter()), observer=seen) as wire:
        consume_until_lost(wire.address_for("shipping"))
        seen.wait("ended")
    await_ready(vhost_url, 1)
    assert left(vhost_url) == [("A-3", True)]


def test_cut_after_a_delivery_has_arrived(vhost_url, seen):
    fill(vhost_url, 2)
    with Wire(vhost_url, plan_of(When("deliver"), CutAfter()), observer=seen) as wire:
        with (
            channel_to(wire.address_for("shipping")) as channel,
            pytest.raises(pika.exceptions.AMQPConnectionError),
        ):
            list(channel.consume(QUEUE, inactivity_timeout=PATIENCE))
        seen.wait("ended")
    assert [(e.kind, e.passed) for e in seen.of("deliver", "fault")] == [("deliver", True), ("fault", True)]
    await_ready(vhost_url, 2)


def test_kill_at_the_moment_of_an_ack(vhost_url, seen):
    fill(vhost_url, 3)
    processes, killed = [], []

    def kill(program: str) -> None:
        killed.append(program)
        processes[0].send_signal(signal.SIGKILL)

    plan = plan_of(When("ack", nth=2), Kill())
    with (
        Wire(vhost_url, plan, seen, kill) as wire,
        running(CONSUMER, wire.address_for("shipping")) as process,
    ):
        processes.append(process)
        assert process.wait(PATIENCE) == -signal.SIGKILL
        seen.wait("ended")
    assert killed == ["shipping"]
    assert [e.passed for e in seen.of("ack")] == [True, False]
    await_ready(vhost_url, 2)
    assert left(vhost_url) == [("A-2", True), ("A-3", True)]


def test_a_confirm_is_held_for_a_time(vhost_url, seen):
    fill(vhost_url, 0)
    with (
        Wire(vhost_url, plan_of(When("confirm"), Hold(seconds=0.3)), observer=seen) as wire,
        channel_to(wire.address_for("shop")) as channel,
    ):
        channel.confirm_delivery()
        channel.basic_publish("", QUEUE, b'{"order": "A-1"}')
    fault, confirm = seen.of("fault", "confirm")
    assert (fault.kind, confirm.kind, confirm.passed) == ("fault", "confirm", True)
    assert confirm.time - fault.time > 0.25


def test_a_confirm_is_held_until_another_program_has_acted(vhost_url, seen):
    fill(vhost_url, 0)
    plan = plan_of(When("confirm", program="shop"), Hold(until=When("ack", program="shipping")))
    with (
        Wire(vhost_url, plan, observer=seen) as wire,
        running(PUBLISHER, wire.address_for("shop")) as publisher,
    ):
        seen.wait("fault")
        assert seen.of("confirm") == []
        assert list(consume(wire.address_for("shipping"), 1)) == ["A-1"]
        assert publisher.communicate(timeout=PATIENCE)[0] == "confirmed\n"
    assert [e.kind for e in seen.of("fault", "ack", "confirm")] == ["fault", "ack", "confirm"]


def test_what_is_behind_a_held_delivery_keeps_its_order(vhost_url, seen):
    fill(vhost_url, 5)
    with Wire(vhost_url, plan_of(When("deliver", nth=2), Hold(seconds=0.2)), observer=seen) as wire:
        handled = list(consume(wire.address_for("shipping"), 5))
    assert handled == ["A-1", "A-2", "A-3", "A-4", "A-5"]
    assert [e.delivery_tag for e in seen.of("deliver")] == [1, 2, 3, 4, 5]


def test_a_dropped_ack_comes_back(vhost_url, seen):
    fill(vhost_url, 3)
    with Wire(vhost_url, plan_of(When("ack", nth=2), Drop()), observer=seen) as wire:
        assert list(consume(wire.address_for("shipping"), 3)) == ["A-1", "A-2", "A-3"]
    assert [(e.delivery_tag, e.passed) for e in seen.of("ack")] == [(1, True), (2, False), (3, True)]
    await_ready(vhost_url, 1)
    assert left(vhost_url) == [("A-2", True)]


def test_a_dropped_delivery_is_still_the_brokers_to_redeliver(vhost_url, seen):
    fill(vhost_url, 3)
    with Wire(vhost_url, plan_of(When("deliver", about="A-2"), Drop()), observer=seen) as wire:
        assert list(consume(wire.address_for("shipping"), 2)) == ["A-1", "A-3"]
    await_ready(vhost_url, 1)
    assert left(vhost_url) == [("A-2", True)]


def test_a_dropped_confirm_leaves_the_publisher_waiting(vhost_url, seen):
    fill(vhost_url, 0)
    plan = plan_of(When("confirm"), Drop())
    with (
        Wire(vhost_url, plan, observer=seen) as wire,
        running(PUBLISHER, wire.address_for("shop")) as publisher,
    ):
        seen.wait("fault")
        assert left(vhost_url) == [("A-1", False)]
        assert publisher.poll() is None
        wire.strike("shop", Cut())
        assert publisher.wait(PATIENCE) == 1
    assert publisher.poll() == 1
    assert [e.passed for e in seen.of("confirm")] == [False]


def test_deliveries_are_slow_from_then_on(vhost_url, seen):
    fill(vhost_url, 6)
    with Wire(vhost_url, plan_of(When("deliver", nth=3), Slow(per_second=10)), observer=seen) as wire:
        assert len(list(consume(wire.address_for("shipping"), 6))) == 6
    times = [e.time for e in seen.of("deliver")]
    gaps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert all(gap > 0.09 for gap in gaps[2:])
    assert sum(gaps[:1]) < min(gaps[2:])


def test_a_mute_wire_makes_one_side_give_up(vhost_url, seen):
    fill(vhost_url, 2)
    with Wire(vhost_url, plan_of(When("ack"), Mute()), observer=seen) as wire:
        handled = consume_until_lost(wire.address_for("shipping") + "?heartbeat=1")
        seen.wait("ended")
    assert handled[0] == "A-1"
    fault = seen.of("fault")[0]
    assert seen.of("heartbeat", "ack", "deliver")[-1].seq < fault.seq
    # Whoever gave up waited for heartbeats first: the wire did not end it.
    assert seen.of("vanished")[0].time - fault.time > 0.9
    await_ready(vhost_url, 2)


def test_mute_in_the_middle_of_a_large_message(vhost_url, seen):
    """Half a frame is left behind then: ending that connection must not trip over it."""
    fill(vhost_url, 8, size=500_000)
    with (
        Wire(vhost_url, plan_of(When("deliver"), Mute()), observer=seen) as wire,
        running(CONSUMER, wire.address_for("shipping")) as process,
    ):
        seen.wait("fault")
        process.kill()
        seen.wait("ended")
    assert [(e.kind, e.passed) for e in seen.of("deliver", "ack")] == [("deliver", False)]
    await_ready(vhost_url, 8)


def test_heartbeats_are_told(vhost_url, seen):
    with (
        Wire(vhost_url, observer=seen) as wire,
        channel_to(wire.address_for("shop") + "?heartbeat=1") as channel,
    ):
        while not seen.of("heartbeat"):
            channel.connection.process_data_events(0.2)
    assert seen.of("heartbeat")[0].channel == 0


def test_so_many_tries_are_refused(vhost_url, seen):
    fill(vhost_url, 2)
    with Wire(vhost_url, plan_of(When("ack"), Refuse(tries=2)), observer=seen) as wire:
        url = wire.address_for("shipping")
        consume_until_lost(url)
        for _ in range(2):
            with pytest.raises(pika.exceptions.AMQPConnectionError):
                open_connection(url)
        await_ready(vhost_url, 2)
        assert list(consume(url, 2)) == ["A-1", "A-2"]
    assert len(seen.of("refused")) == 2
    assert [e.connection for e in seen.of("connect")] == [1, 2]


def connect_again(url: str) -> int:
    """Try until the port answers; how often it refused."""
    deadline = time.monotonic() + PATIENCE
    refused = 0
    while time.monotonic() < deadline:
        with suppress(ConnectionRefusedError), socket.create_connection((None, urlsplit(url).port)[0:2]):
            return refused
        refused += 1
        time.sleep(0.02)
    pytest.fail("the port does not answer any more")


def test_connections_are_refused_for_a_time(vhost_url, seen):
    fill(vhost_url, 1)
    with Wire(vhost_url, plan_of(When("ack"), Refuse(seconds=0.5)), observer=seen) as wire:
        url, other = wire.address_for("shipping"), wire.address_for("billing")
        consume_until_lost(url)
        with channel_to(other) as channel:
            assert channel.is_open
        assert connect_again(url) > 0
        await_ready(vhost_url, 1)
        assert list(consume(url, 1)) == ["A-1"]


def test_nobody_else_gets_the_port_while_it_refuses(vhost_url, seen):
    fill(vhost_url, 1)
    with Wire(vhost_url, plan_of(When("ack"), Refuse(seconds=600)), observer=seen) as wire:
        url = wire.address_for("shipping")
        consume_until_lost(url)
        port = urlsplit(url).port
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        with pytest.raises(OSError, match="in use"):
            take(port)
    take(port)


def take(port: int) -> None:
    """Bind this port, as an unrelated program would."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))


@pytest.mark.parametrize("announced", [True, False])
def test_the_broker_goes_away_for_all_and_comes_back(vhost_url, seen, announced):
    fill(vhost_url, 2)
    plan = plan_of(When("ack", program="shipping"), Down(seconds=0.5, announced=announced))
    with Wire(vhost_url, plan, observer=seen) as wire:
        url, other = wire.address_for("shipping"), wire.address_for("billing")
        with channel_to(other) as bystander:
            consume_until_lost(url)
            expected = (
                pika.exceptions.ConnectionClosedByBroker if announced else pika.exceptions.StreamLostError
            )
            with pytest.raises(expected):
                listen_until_lost(bystander.connection)
        assert connect_again(url) + connect_again(other) > 0
        await_ready(vhost_url, 2)
        assert list(consume(url, 2)) == ["A-1", "A-2"]
    forced = [(e.code, e.direction) for e in seen.of("connection-close") if e.code == 320]
    assert forced == [(320, TO_PROGRAM)] * 2 * announced
    assert not seen.of("ack")[0].passed


def test_a_fault_can_strike_as_a_program_connects(vhost_url, seen):
    with Wire(vhost_url, plan_of(When("connect", nth=2), Cut()), observer=seen) as wire:
        url = wire.address_for("shop")
        for expected in (True, False, True):
            if expected:
                open_connection(url).close()
                continue
            with pytest.raises(pika.exceptions.AMQPConnectionError):
                open_connection(url)
    assert [e.connection for e in seen.of("fault")] == [2]
    assert len(seen.of("ended")) == 3


def listen_until_lost(connection) -> None:
    """Pika returns whenever something has come; raises when the connection is lost."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        connection.process_data_events(1)


def test_a_fault_is_struck_in_the_middle_of_a_burst(vhost_url, seen):
    """Acks arrive many in one read: those before the cut count, those after it do not."""
    fill(vhost_url, 3000)
    with Wire(vhost_url, plan_of(When("ack", nth=2900), Cut()), observer=seen) as wire:
        with channel_to(wire.address_for("shipping")) as channel:
            deliveries = channel.consume(QUEUE)
            tags = [next(deliveries)[0].delivery_tag for _ in range(3000)]
            burst = b"".join(pika.frame.Method(1, spec.Basic.Ack(tag)).marshal() for tag in tags)
            channel.connection._impl._output_marshaled_frames([burst])
            with pytest.raises(pika.exceptions.AMQPConnectionError):
                listen_until_lost(channel.connection)
        seen.wait("ended")
    await_ready(vhost_url, 101)
    assert left(vhost_url)[0] == ("A-2900", True)
    assert len(seen.of("ack")) == 2900


# --- TLS, errors, the end


def relay_tls(listener: ssl.SSLSocket, upstream: tuple[str, int]) -> None:
    """End TLS in front of the broker, for one connection."""
    with suppress(OSError):
        plain = socket.create_connection(upstream)
        with listener.accept()[0] as secured, plain:
            threading.Thread(target=pump, args=(plain, secured), daemon=True).start()
            pump(secured, plain)


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def tls_upstream(vhost_url, tmp_path):
    """The same vhost as `amqps://`, and the certificate of who answers there."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    parts = urlsplit(vhost_url)
    with (
        socket.create_server(("127.0.0.1", 0)) as plain,
        context.wrap_socket(plain, server_side=True) as listener,
    ):
        upstream = (parts.hostname, parts.port or 5672)
        thread = threading.Thread(target=relay_tls, args=(listener, upstream), daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        login = f"{parts.username}:{parts.password}"
        yield f"amqps://{login}@localhost:{port}{parts.path}", certificate
    thread.join(PATIENCE)


def test_upstream_by_tls(vhost_url, tls_upstream, seen):
    fill(vhost_url, 3)
    url, certificate = tls_upstream
    trusting = f"{url}?ssl_options={quote(repr({'cafile': str(certificate)}))}"
    with Wire(trusting, plan_of(When("ack", nth=2), Cut()), observer=seen) as wire:
        address = wire.address_for("shipping")
        assert address.startswith("amqp://")
        assert "ssl" not in address
        consume_until_lost(address)
        seen.wait("ended")
    await_ready(vhost_url, 2)
    assert left(vhost_url) == [("A-2", True), ("A-3", True)]


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_upstream, seen):
    with Wire(tls_upstream[0], observer=seen) as wire, pytest.raises(pika.exceptions.AMQPConnectionError):
        open_connection(wire.address_for("shop"))
    assert "certificate" in seen.of("unreachable")[0].text


def test_a_broker_that_does_not_answer_is_told(seen):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with (
        Wire(f"amqp://shop:s3cret@127.0.0.1:{port}/", observer=seen) as wire,
        pytest.raises(pika.exceptions.AMQPConnectionError),
    ):
        open_connection(wire.address_for("shop"))
    assert [e.kind for e in seen.events] == ["connect", "unreachable", "ended"]
    assert "s3cret" not in str(seen.events)


def test_the_password_is_in_no_event_and_no_error(vhost_url, seen):
    secret = "s3cret-word"
    url = vhost_url.replace(":guest@", f":{secret}@")
    with Wire(url, plan_of(When("publish"), Cut()), observer=seen) as wire:
        assert secret in wire.address_for("shop")
        with pytest.raises(pika.exceptions.AMQPConnectionError):
            open_connection(wire.address_for("shop"))
        assert secret not in repr(wire) + str(vars(wire)["_relay"])
    assert seen.of("connection-close", "vanished", "ended")
    assert secret not in repr(seen.events) + str([vars(e) for e in seen.events])
    with pytest.raises(ValueError, match="cannot be read") as caught:
        Wire(f"amqp://shop:{secret}/x@localhost/")
    assert secret not in str(caught.value)
    assert caught.value.__context__ is None


def test_what_is_not_amqp_passes_and_is_told(vhost_url, seen):
    with Wire(vhost_url, observer=seen) as wire:
        port = urlsplit(wire.address_for("browser")).port
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as browser:
            browser.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert browser.recv(8)[:4] == b"AMQP"
        seen.wait("ended")
    assert len(seen.of("garbled")) == 1


def test_an_observers_error_is_raised_when_the_wire_is_closed(vhost_url):
    told = []

    def observer(event) -> None:
        told.append(event)
        if event.kind == "publish":
            raise LookupError("no such order")

    fill(vhost_url, 0)

    def publish_twice() -> None:
        with Wire(vhost_url, observer=observer) as wire, channel_to(wire.address_for("shop")) as channel:
            channel.confirm_delivery()
            channel.basic_publish("", QUEUE, b'{"order": "A-1"}')
            channel.basic_publish("", QUEUE, b'{"order": "A-2"}')

    with pytest.raises(LookupError, match="no such order"):
        publish_twice()
    assert [e.kind for e in told].count("publish") == 1
    assert ready(vhost_url) == 2


@pytest.mark.parametrize("problem", ["missing", "fails"])
def test_a_kill_that_does_not_work_is_raised(vhost_url, problem):
    def kill(program: str) -> None:
        raise ProcessLookupError(program)

    fill(vhost_url, 1)
    expected = RuntimeError if problem == "missing" else ProcessLookupError

    def play() -> None:
        plan = plan_of(When("ack"), Kill())
        with Wire(vhost_url, plan, kill=None if problem == "missing" else kill) as wire:
            consume_until_lost(wire.address_for("shipping"))

    with pytest.raises(expected):
        play()


def test_what_needs_an_event_cannot_be_done_out_of_the_blue(vhost_url):
    with Wire(vhost_url) as wire:
        wire.address_for("shop")
        with pytest.raises(ValueError, match="plan"):
            wire.strike("shop", Drop())
        with pytest.raises(ValueError, match="nobody"):
            wire.strike("nobody", Cut())


def test_closing_ends_everything_also_in_the_middle_of_a_fault(vhost_url, seen):
    fill(vhost_url, 3, size=200_000)
    plan = FaultPlan(
        (
            Fault(When("confirm", program="held"), Hold(seconds=600)),
            Fault(When("deliver", program="mute"), Mute()),
            Fault(When("connect", program="refused"), Refuse(seconds=600)),
        )
    )
    before = threading.active_count()
    with Wire(vhost_url, plan, observer=seen) as wire:
        urls = [wire.address_for(name) for name in ("held", "mute", "refused", "idle")]
        with running(PUBLISHER, urls[0]) as held, running(CONSUMER, urls[1]) as mute:
            seen.wait("fault", 2)
            with pytest.raises(pika.exceptions.AMQPConnectionError):
                open_connection(urls[2])
            idle = socket.create_connection(("127.0.0.1", urlsplit(urls[3]).port))
            seen.wait("connect", program="idle")
            started = time.monotonic()
            wire.close()
            # Nothing waited for a hold, a refusal or a farewell to be over.
            assert time.monotonic() - started < 5
            assert held.wait(PATIENCE) == 1
            assert mute.wait(PATIENCE) == 1
            with idle, pytest.raises(ConnectionResetError):
                idle.recv(1)
        wire.close()
    assert threading.active_count() == before
    for url in urls:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", urlsplit(url).port))
    assert len(seen.of("ended")) == len(seen.of("connect")) == 4


def test_who_is_on_the_way_in_as_the_wire_closes_is_not_left_waiting(vhost_url):
    for _ in range(20):
        dialled = []
        with Wire(vhost_url) as wire:
            port = urlsplit(wire.address_for("hasty")).port
            dialling = threading.Thread(target=dial_until_refused, args=(port, dialled))
            dialling.start()
            while not dialled and dialling.is_alive():
                pass  # to wait here would give those on the way time to arrive
        dialling.join()
        assert all(map(has_ended, dialled))


def dial_until_refused(port: int, dialled: list[socket.socket]) -> None:
    """Connect again and again, as somebody who greets a broker."""
    with suppress(ConnectionError):
        while True:
            dialled.append(socket.create_connection(("127.0.0.1", port)))
            dialled[-1].sendall(b"AMQP\x00\x00\x09\x01")


def has_ended(dialled: socket.socket) -> bool:
    """Whether the other side has ended the connection."""
    dialled.settimeout(PATIENCE)
    with dialled, suppress(ConnectionResetError):
        while dialled.recv(4096):
            pass
    return True


def test_the_benchmark_prints_its_ratio(vhost_url):
    script = os.path.join(os.path.dirname(sys.modules["workbench.wire"].__file__), "benchmark.py")
    command = [sys.executable, script, "--messages", "300", "--pairs", "1", "--json"]
    env = {**os.environ, "AMQP_URL": vhost_url}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE, check=True)
    result = json.loads(done.stdout)
    assert result["messages"] == 300
    assert result["ratio"] > 0
