"""What the bench demands of exercise 03: each order is announced, whatever becomes of the connection."""

import pika
from pika.adapters.blocking_connection import BlockingChannel
from workbench.bench import Bench, Cut, CutAfter, Fault, FaultPlan, Promise, When, order_in

ORDERS = "lesson03.shipping"
ANNOUNCEMENTS = "lesson03.announcements"
KEY = "shipment.scheduled"
HEARD = "lesson03.heard"
QUEUES, EXCHANGES = [ORDERS, HEARD], [ANNOUNCEMENTS]

CUT = Promise(
    "a cut at any moment loses no announcement",
    "What if the connection ends between the acknowledgement and the announcement? Which should come first?",
)
UNROUTED = Promise(
    "what no queue took is announced again",
    "The broker confirms what it throws away, unless it is told to return it. And then, what does pika do?",
)
TURNED_AWAY = Promise(
    "what a full queue turned away is announced again",
    "Who tells a producer that a queue is full? Is the order acknowledged all the same?",
)
SAME_ID = Promise(
    "an announcement that is repeated has the same message_id",
    "Whoever hears it twice knows by the message_id that it is the same one. What can it be made of?",
)
OUTLIVES = Promise(
    "an announcement outlives a restart of the broker",
    "What makes a message persistent? Look at producer.py.",
)
DONE = Promise("an announced order leaves its queue", "What tells the broker that an order is done?")
PROMISES = [CUT, UNROUTED, TURNED_AWAY, SAME_ID, OUTLIVES, DONE]


def it_is_cut_off_before_an_announcement(bench: Bench) -> None:
    """Its connection is cut before its second announcement arrives."""
    orders = bench.order_ids(4)
    with bench.channel() as channel:
        listen(channel)
    bench.place(ORDERS, orders)
    bench.start()
    bench.settle(orders)
    said = demand_announced(bench, orders, CUT)
    bench.demand_empty(ORDERS, DONE)
    for order in orders:
        persistent = all(properties.delivery_mode == 2 for properties in said[order])
        bench.demand(OUTLIVES, persistent, order)


def it_never_hears_the_confirm(bench: Bench) -> None:
    """Its connection is cut when its second announcement has arrived, and before it hears so."""
    orders = bench.order_ids(4)
    with bench.channel() as channel:
        listen(channel)
    bench.place(ORDERS, orders)
    bench.start()
    bench.settle(orders)
    for order, said in demand_announced(bench, orders, CUT).items():
        ids = {properties.message_id for properties in said}
        bench.demand(SAME_ID, len(ids) == 1 and None not in ids, order)


def nobody_listens_yet(bench: Bench) -> None:
    """No queue is bound when it announces the first order; soon there is one."""
    orders = bench.order_ids(3)
    bench.place(ORDERS, orders)
    bench.start()
    bench.until_answered(orders[0], "return")
    with bench.channel() as channel:
        listen(channel)
    bench.settle(orders)
    demand_announced(bench, orders, UNROUTED)


def a_listener_is_full(bench: Bench) -> None:
    """The queue of a listener is full when it announces the second order; soon it has room."""
    orders = bench.order_ids(3)
    with bench.channel() as channel:
        listen(channel, {"x-max-length": 1, "x-overflow": "reject-publish"})
    bench.place(ORDERS, orders)
    bench.start()
    bench.until_answered(orders[1], "confirm-nack")
    with bench.channel() as channel:
        heard = hear(channel)
        channel.queue_delete(HEARD)
        listen(channel)
    bench.settle(orders)
    demand_announced(bench, orders, TURNED_AWAY, heard)


def listen(channel: BlockingChannel, arguments: dict | None = None) -> None:
    """Bind a queue to the announcements, as a service does that wants to hear them."""
    channel.exchange_declare(ANNOUNCEMENTS, exchange_type="direct", durable=True)
    channel.queue_declare(HEARD, durable=True, arguments=arguments)
    channel.queue_bind(HEARD, ANNOUNCEMENTS, KEY)


Message = tuple[pika.BasicProperties, str]


def hear(channel: BlockingChannel) -> list[Message]:
    """Take all announcements that have come: their properties, and the order that each is about."""
    heard = []
    while (got := channel.basic_get(HEARD, auto_ack=True))[0]:
        heard.append((got[1], order_in(got[2])))
    return heard


def demand_announced(
    bench: Bench, orders: list[str], promise: Promise, heard: list[Message] | None = None
) -> dict[str, list[pika.BasicProperties]]:
    """Each of these was announced; the properties of the announcements of each."""
    with bench.channel() as channel:
        heard = [*(heard or []), *hear(channel)]
    said = {order: [properties for properties, about in heard if about == order] for order in orders}
    for order in orders:
        bench.demand(promise, bool(said[order]), order)
    return said


SCENARIOS = {
    it_is_cut_off_before_an_announcement: FaultPlan((Fault(When("publish", nth=2), Cut()),)),
    it_never_hears_the_confirm: FaultPlan((Fault(When("publish", nth=2), CutAfter()),)),
    nobody_listens_yet: FaultPlan(),
    a_listener_is_full: FaultPlan(),
}
