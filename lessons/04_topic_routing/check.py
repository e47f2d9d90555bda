"""What the bench demands of exercise 04: it ships what it should, and nobody else hears any less."""

import json
from collections import Counter

from pika import exceptions as amqp
from pika.adapters.blocking_connection import BlockingChannel
from workbench.bench import Bench, FaultPlan, Promise, happened

EXCHANGE = "lesson04.events"
QUEUE = "lesson04.shipping"
OTHERS = {"lesson04.inventory": "order.", "lesson04.billing": "payment."}
QUEUES, EXCHANGES = [QUEUE, *OTHERS], [EXCHANGE]
USEFUL = {"payment.completed", "order.gifted"}
AWAY_SECONDS = 1.5

UNHARMED = Promise(
    "the other services hear as much as before",
    "From whose queue does your service take? What does a queue do with two services that take from it?",
)
UNPAID = Promise(
    "only what is paid or given away is shipped",
    "Which part of the envelope says what has happened? Who looks at it before the shipment is scheduled?",
)
PAID = Promise("an order that is paid is shipped", "With which key is a payment published when it succeeds?")
GIFT = Promise(
    "an order that is given away is shipped", "With how many patterns can one queue be bound, and how?"
)
NEEDLESS = Promise(
    "it is sent only what it has a use for",
    "Who should sort out what you never need: your service, or the exchange? What do your patterns fit?",
)
UNKNOWN = Promise(
    "an event that it does not know does not stop it",
    "What may you expect in the data of an event whose type you have never heard of?",
)
DONE = Promise(
    "an event that it has no use for leaves its queue",
    "When is an event done with that needs no work? Who has to hear of it?",
)
WAITS = Promise(
    "what happens while it is away waits for it",
    "What becomes of your queue when your connection ends? Is it the one named lesson04.shipping?",
)
PROMISES = [UNHARMED, UNPAID, PAID, GIFT, NEEDLESS, UNKNOWN, DONE, WAITS]


def the_shop_sells(bench: Bench) -> None:
    """Some orders are paid, one is given away, others are not paid or called off."""
    paid, failed, gift, cancelled, refunded, last = bench.order_ids(6)
    placed = [happened("order.created", order) for order in (paid, failed, cancelled, refunded, last)]
    others_listen(bench)
    bench.start()
    events = [
        *placed,
        happened("payment.completed", paid),
        happened("payment.failed", failed),
        happened("order.gifted", gift),
        happened("order.cancelled", cancelled),
        happened("payment.refunded", refunded),
        happened("refund.completed", refunded, source="billing"),
        happened("payment.completed", last),
    ]
    bench.publish(EXCHANGE, events)
    bench.settle([paid, gift, last])
    demand_unharmed(bench, events)
    for order in (failed, cancelled, refunded):
        bench.demand(UNPAID, bench.shipments(order) == 0, order)
    for order, promise in {paid: PAID, last: PAID, gift: GIFT}.items():
        bench.demand(promise, bench.shipments(order) > 0, order)
    needless = [event for event in delivered(bench) if event["type"] not in USEFUL]
    bench.demand(NEEDLESS, not needless, *(event["data"]["order_id"] for event in needless[:1]))


def an_older_binding_is_left(bench: Bench) -> None:
    """Its queue has bindings from an older version, which bring events that it never heard of."""
    paid, failed, gift, last = bench.order_ids(4)
    others_listen(bench)
    bench.start()
    with bench.channel() as channel:
        bench.demand(WAITS, bind_as_before(channel))
    bench.publish(
        EXCHANGE,
        [
            happened("order.created", paid),
            happened("payment.failed", failed),
            happened("payment.provider_changed", provider="Klarheit"),
            happened("payment.completed", paid),
            happened("order.gifted", gift),
            happened("payment.completed", last),
        ],
    )
    bench.settle([paid, gift, last])
    bench.demand(UNPAID, bench.shipments(failed) == 0, failed)
    for order in (paid, gift, last):
        bench.demand(UNKNOWN, bench.shipments(order) > 0, order)
    bench.demand_empty(QUEUE, DONE)


def it_is_away(bench: Bench) -> None:
    """It has no connection for a while, and meanwhile orders are paid."""
    others_listen(bench)
    bench.start()
    bench.send_away(AWAY_SECONDS)
    orders = bench.order_ids(3)
    kinds = ("order.created", "payment.completed")
    bench.publish(EXCHANGE, [happened(kind, order) for order in orders for kind in kinds])
    bench.settle(orders)
    for order in orders:
        bench.demand(WAITS, bench.shipments(order) > 0, order)


def others_listen(bench: Bench) -> None:
    """Two other services have queues, as on the page; nobody takes from them here."""
    with bench.channel() as channel:
        channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
        for queue, prefix in OTHERS.items():
            channel.queue_declare(queue, durable=True)
            channel.queue_bind(queue, EXCHANGE, f"{prefix}*")


def bind_as_before(channel: BlockingChannel) -> bool:
    """Bind the program's queue with all that an older version wanted; whether there is such a queue."""
    try:
        for pattern in ("order.*", "payment.*"):
            channel.queue_bind(QUEUE, EXCHANGE, pattern)
    except amqp.ChannelClosedByBroker:
        return False
    return True


def demand_unharmed(bench: Bench, events: list[dict]) -> None:
    """Each other service has in its queue what was for it. Ends the program."""
    for queue, prefix in OTHERS.items():
        wanted = Counter(event["data"]["order_id"] for event in events if event["type"].startswith(prefix))
        lost = wanted - Counter(bench.left_in(queue))
        bench.demand(UNHARMED, not lost, *list(lost)[:1])


def delivered(bench: Bench) -> list[dict]:
    """The events that the program was sent."""
    return [json.loads(each.body) for each in bench.deliveries()]


SCENARIOS = {the_shop_sells: FaultPlan(), an_older_binding_is_left: FaultPlan(), it_is_away: FaultPlan()}
