"""What the bench demands of exercise 08: failing orders wait, not too often, and nobody waits for them."""

import json
from collections.abc import Sequence

import pika
from workbench.bench import Bench, Cut, CutAfter, Fault, FaultPlan, Promise, When, order_in
from workbench.wire import Event

ORDERS = "lesson08.shipping"
PARKED = "lesson08.shipping.parked"
WAITS_MS = [200, 400, 800]
WAIT_QUEUES = [f"lesson08.shipping.wait.{wait}" for wait in WAITS_MS]
QUEUES, EXCHANGES = [ORDERS, PARKED, *WAIT_QUEUES], []

OTHERS = Promise(
    "other orders do not wait for one that fails",
    "Where is the failing order between two tries: with you, at the head of the queue, or in another one?",
)
PEACE = Promise(
    "between two tries a failing order waits, longer each time",
    "Which queue does it wait in? Who remembers how often it has failed, when the broker forgets?",
)
LATER = Promise(
    "an order that fails for a while is shipped",
    "When is the order published to wait, and when is it acknowledged?",
)
IS_PARKED = Promise(
    "an order that has failed four times is parked",
    "How many tries are there with three waits? What comes after the last?",
)
SURVIVES = Promise(
    "no order is lost on its way to wait",
    "Which comes first: that a queue has the order, or its acknowledgement? Who tells you that a queue has"
    " it, and has it still when the broker is started again?",
)
PROMISES = [OTHERS, PEACE, LATER, IS_PARKED, SURVIVES]

FORGOTTEN = "it was published with x-death, which RabbitMQ 4.0 and later ignore when a client sends it"
LONG_SECONDS = 6.0
CLASSIC = {"x-queue-type": "classic"}
PERSISTENT = pika.BasicProperties(delivery_mode=2, content_type="application/json")


def a_shipment_fails_for_a_while(bench: Bench) -> None:
    """No truck is free for the first of four orders when it is tried twice, then there is one."""
    orders = bench.order_ids(4)
    place(bench, orders)
    with bench.effects.refusing(orders[0]):
        bench.start()
        bench.wait(lambda: shipped(bench, orders[1:]) or bench.spins(), LONG_SECONDS)
        demand_shipped(bench, orders[1:], OTHERS)
        bench.wait(lambda: len(bench.deliveries(orders[0])) > 1, LONG_SECONDS)
    bench.settle(orders)
    demand_shipped(bench, orders, LATER)


def a_shipment_always_fails(bench: Bench) -> None:
    """There will never be a truck for the first of three orders."""
    orders = bench.order_ids(3)
    place(bench, orders)
    with bench.effects.refusing(orders[0]):
        bench.start()
        bench.wait(lambda: in_queue(bench, PARKED) or bench.spins(), LONG_SECONDS)
        demand_shipped(bench, orders[1:], OTHERS)
        bench.program.stop()
    times = [event.time for event in bench.deliveries(orders[0])]
    gaps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    found = FORGOTTEN if any(map(counted_by_the_broker, published(bench, orders[0]))) else ""
    bench.demand(PEACE, all(map(is_long_enough, gaps, WAITS_MS)), orders[0], found)
    demand_waits_elsewhere(bench, orders[0])
    is_parked = parked(bench) == [orders[0]] and len(times) == 1 + len(WAITS_MS)
    bench.demand(IS_PARKED, is_parked, orders[0], found)
    demand_persistent(bench, orders[0])


def it_is_cut_off_before_the_order_waits(bench: Bench) -> None:
    """Its connection is cut before the failed order arrives where it waits."""
    survives_a_cut(bench)


def it_never_hears_that_the_order_waits(bench: Bench) -> None:
    """Its connection is cut when the failed order has arrived where it waits, and before it hears so."""
    survives_a_cut(bench)


def survives_a_cut(bench: Bench) -> None:
    """The first of two orders fails once, with the plan's fault; both are shipped in the end."""
    orders = bench.order_ids(2)
    place(bench, orders)
    with bench.effects.refusing(orders[0]):
        bench.start()
        bench.until_given_back(orders[0])
    bench.settle(orders)
    demand_shipped(bench, orders, SURVIVES)


def it_has_nowhere_to_wait(bench: Bench) -> None:
    """Somebody has deleted the queues to wait in; the program creates them when it is started again."""
    orders = bench.order_ids(2)
    place(bench, [])
    bench.start()
    with bench.channel() as channel:
        for queue in WAIT_QUEUES:
            channel.queue_delete(queue)
    with bench.effects.refusing(orders[0]):
        place(bench, orders)
        bench.until_given_back(orders[0])
    bench.settle(orders)
    demand_shipped(bench, orders, SURVIVES)


def place(bench: Bench, orders: Sequence[str]) -> None:
    """Publish these into the queue, which is declared as shipping_queues.py does."""
    with bench.channel() as channel:
        for queue in (ORDERS, PARKED):
            channel.queue_declare(queue, durable=True, arguments=CLASSIC)
        for order in orders:
            data = {"order_id": order, "amount_cents": 29_999}
            envelope = {"id": f"order.created/{order}", "type": "order.created", "source": "shop"}
            body = json.dumps({**envelope, "time": "2026-05-04T08:00:00Z", "data": data}).encode()
            channel.basic_publish("", ORDERS, body, PERSISTENT, mandatory=True)


def published(bench: Bench, order: str) -> list[Event]:
    """The program's publishes of this order."""
    return [e for e in list(bench.events) if e.kind == "publish" and order_in(e.body) == order]


def counted_by_the_broker(publish: Event) -> bool:
    """Whether it carries the broker's notes of deaths, and none of the program's own."""
    headers = publish.properties.headers or {}
    return "x-death" in headers and all(name.startswith("x-") for name in headers)


def is_long_enough(seconds: float, wait_ms: int) -> bool:
    """Whether this is so long a wait: the broker never gives back too early, but perhaps late."""
    return seconds >= 0.9 * wait_ms / 1000


def demand_waits_elsewhere(bench: Bench, order: str) -> None:
    """Between two tries it is the order that waits, in a queue, and not the program that holds it.

    Counted from the moment in which the program lets go of it, so that a slow machine makes it longer only.
    """
    deliveries = bench.deliveries(order)
    gone = [let_go(bench, order, delivery) for delivery in deliveries]
    away = [again.time - left for left, again in zip(gone, deliveries[1:], strict=False)]
    held = [left - delivery.time for left, delivery in zip(gone, deliveries, strict=False)]
    if len(deliveries) == 1:  # tried again while it was held, or never
        holds = not is_long_enough(held[0], sum(WAITS_MS))
    else:
        holds = all(map(is_long_enough, away, WAITS_MS))
    found = ", ".join(f"{seconds * 1000:.0f} ms" for seconds in held)
    bench.demand(OTHERS, holds, order, f"your program held it for {found}, and nobody else's turn came")


def let_go(bench: Bench, order: str, delivery: Event) -> float:
    """When the program first published or settled the order after this delivery; when it came, if never."""
    times = [event.time for event in published(bench, order) if event.seq > delivery.seq]
    settled = [e for e in list(bench.events) if e.kind in ("ack", "nack", "reject") and delivery in e.covers]
    times += [event.time for event in settled]
    return min(times, default=delivery.time)


def demand_persistent(bench: Bench, order: str) -> None:
    """Whatever the program published of this order outlives a restart of the broker."""
    kept = all(
        event.properties.delivery_mode == PERSISTENT.delivery_mode for event in published(bench, order)
    )
    bench.demand(SURVIVES, kept, order, "it was published without delivery_mode 2: a restart would lose it")


def shipped(bench: Bench, orders: Sequence[str]) -> bool:
    """Whether each of these has a shipment."""
    return all(bench.shipments(order) for order in orders)


def demand_shipped(bench: Bench, orders: Sequence[str], promise: Promise) -> None:
    """Each of these has a shipment."""
    for order in orders:
        bench.demand(promise, bench.shipments(order) > 0, order)


def in_queue(bench: Bench, queue: str) -> int:
    """How many messages are ready there."""
    with bench.channel() as channel:
        return channel.queue_declare(queue, passive=True).method.message_count


def parked(bench: Bench) -> list[str]:
    """Take what is parked: the orders."""
    found = []
    with bench.channel() as channel:
        while (got := channel.basic_get(PARKED, auto_ack=True))[0]:
            found.append(order_in(got[2]))
    return found


SCENARIOS = {
    a_shipment_fails_for_a_while: FaultPlan(),
    a_shipment_always_fails: FaultPlan(),
    it_is_cut_off_before_the_order_waits: FaultPlan((Fault(When("publish"), Cut()),)),
    it_never_hears_that_the_order_waits: FaultPlan((Fault(When("publish"), CutAfter()),)),
    it_has_nowhere_to_wait: FaultPlan(),
}
