"""What the bench demands of exercise 08: failing orders wait, not too often, and nobody waits for them."""

import json
from collections.abc import Sequence

import pika
from workbench.bench import Bench, Cut, CutAfter, Event, Fault, FaultPlan, Promise, When, order_in

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
    "What if nothing took the order that you published? Who tells you, and is it acknowledged all the same?",
)
PROMISES = [OTHERS, PEACE, LATER, IS_PARKED, SURVIVES]

SPINNING = 30
LONG_SECONDS = 6.0
CLASSIC = {"x-queue-type": "classic"}
PERSISTENT = pika.BasicProperties(delivery_mode=2, content_type="application/json")


def a_shipment_fails_for_a_while(bench: Bench) -> None:
    """No truck is free for the first of four orders when it is tried twice, then there is one."""
    orders = bench.order_ids(4)
    place(bench, orders)
    with bench.effects.refusing(orders[0]):
        bench.start()
        bench.wait(lambda: shipped(bench, orders[1:]) or spins(bench), LONG_SECONDS)
        demand_shipped(bench, orders[1:], OTHERS)
        bench.wait(lambda: len(tries(bench, orders[0])) > 1, LONG_SECONDS)
    bench.settle(orders)
    demand_shipped(bench, orders, LATER)


def a_shipment_always_fails(bench: Bench) -> None:
    """There will never be a truck for the first of three orders; the third comes while that one waits."""
    orders = bench.order_ids(3)
    place(bench, orders[:2])
    with bench.effects.refusing(orders[0]):
        bench.start()
        bench.wait(lambda: settled(bench, orders[0]) >= len(WAITS_MS) or spins(bench), LONG_SECONDS)
        place(bench, orders[2:])
        bench.wait(lambda: in_queue(bench, PARKED) or spins(bench), LONG_SECONDS)
        demand_shipped(bench, orders[1:], OTHERS)
        bench.program.stop()
    last_try = tries(bench, orders[0])[len(WAITS_MS) :]
    overtook = not last_try or tries(bench, orders[2])[0] < last_try[0]
    bench.demand(OTHERS, overtook, orders[2], f"it came when {orders[0]} waited, and was delivered after it")
    times = tries(bench, orders[0])
    gaps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    # The broker never gives back too early; too late is no fault of the program.
    waited = all(gap >= 0.9 * wait / 1000 for gap, wait in zip(gaps, WAITS_MS, strict=False))
    bench.demand(PEACE, waited, orders[0])
    bench.demand(IS_PARKED, parked(bench) == [orders[0]] and len(times) == 1 + len(WAITS_MS), orders[0])


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
    modes = {event.properties.delivery_mode for event in moves(bench, orders[0])}
    found = "published without delivery_mode 2: a restart of the broker would lose it"
    bench.demand(SURVIVES, modes <= {PERSISTENT.delivery_mode}, orders[0], found)


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


def tries(bench: Bench, order: str) -> list[float]:
    """When the program was sent this order, in seconds."""
    events = list(bench.events)
    return [e.time for e in events if e.kind in ("deliver", "get-ok") and order_in(e.body) == order]


def settled(bench: Bench, order: str) -> int:
    """How often the program has acknowledged or given back this order."""
    answers = [e for e in list(bench.events) if e.kind in ("ack", "nack", "reject")]
    return sum(order_in(each.body) == order for answer in answers for each in answer.covers)


def moves(bench: Bench, order: str) -> list[Event]:
    """What the program published of this order."""
    return [e for e in list(bench.events) if e.kind == "publish" and order_in(e.body) == order]


def spins(bench: Bench) -> bool:
    """Whether an order is delivered again and again."""
    about = [order_in(e.body) for e in list(bench.events) if e.kind in ("deliver", "get-ok")]
    return any(about.count(order) > SPINNING for order in set(about))


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
