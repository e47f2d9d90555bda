"""What the bench demands of exercise 07: bad messages end among the dead letters, and only they.

To ship an order twice is allowed: lesson 06 is about that.
"""

import json
from collections.abc import Sequence

import pika
from workbench.bench import Bench, Cut, Fault, FaultPlan, Promise, When, name_in

ORDERS = "lesson07.shipping"
DEAD = "lesson07.shipping.dead"
QUEUES, EXCHANGES = [ORDERS, DEAD], []

NOT_HELD_UP = Promise(
    "a bad message does not hold up the orders behind it",
    "What becomes of the next order when this one raises? And when it goes back to the head of the queue?",
)
DEAD_LETTER = Promise(
    "a bad message ends among the dead letters, with its reason",
    "Who writes the reason of a death, and its origin? What does requeue=False do, and an acknowledgement?",
)
NOTHING_ELSE = Promise(
    "what can be shipped later is no dead letter",
    "Does every error of schedule_shipment() mean that this order can never be shipped?",
)
SURVIVES = Promise(
    "no order is lost, whoever dies when",
    "When is an order acknowledged: before its shipment is on disk, or after?",
)
DONE = Promise("what is dealt with leaves its queue", "What tells the broker that a message is done?")
PROMISES = [NOT_HELD_UP, DEAD_LETTER, NOTHING_ELSE, SURVIVES, DONE]

NO_ORDERS = [
    b"hello",
    b"[]",
    b"\xff\xfe",
    b'{"type": "order.created"}',
    b'{"data": {"customer": "Bob"}}',
    b'{"data": {"order_id": {"number": 7}, "country": "Italy"}}',
]
ARGUMENTS = {"x-queue-type": "classic", "x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}
PERSISTENT = pika.BasicProperties(delivery_mode=2)


def messages_that_are_no_orders(bench: Bench) -> None:
    """Among three orders are six messages that are no orders."""
    orders = bench.order_ids(3)
    good = [event(order) for order in orders]
    place(bench, [good[0], *NO_ORDERS[:3], good[1], *NO_ORDERS[3:], good[2]])
    bench.start()
    settle(bench, orders)
    demand_shipped(bench, orders, NOT_HELD_UP)
    demand_dead(bench, NO_ORDERS)


def an_order_to_nowhere(bench: Bench) -> None:
    """The second of four orders goes where no truck ever goes."""
    orders = bench.order_ids(4)
    bad = event(orders[1], country="Atlantis")
    shippable = [orders[0], *orders[2:]]
    place(bench, [event(orders[0]), bad, *map(event, orders[2:])])
    bench.start()
    settle(bench, shippable)
    demand_shipped(bench, shippable, NOT_HELD_UP)
    demand_dead(bench, [bad])


def its_rejection_is_lost(bench: Bench) -> None:
    """Its connection is cut before its first rejection arrives."""
    orders = bench.order_ids(3)
    bad = event(orders[1], country="Atlantis")
    shippable = [orders[0], orders[2]]
    place(bench, [event(orders[0]), bad, event(orders[2])])
    bench.start()
    settle(bench, shippable)
    demand_shipped(bench, shippable, NOT_HELD_UP)
    demand_dead(bench, [bad])


def a_shipment_fails_for_now(bench: Bench) -> None:
    """No truck is free for the second order, for a while."""
    orders = bench.order_ids(4)
    place(bench, [*map(event, orders)])
    with bench.effects.refusing(orders[1]):
        bench.start()
        bench.until_given_back(orders[1])
    settle(bench, orders)
    demand_nothing_else_dead(bench, orders)
    demand_shipped(bench, orders, SURVIVES)


def it_dies_over_an_order(bench: Bench) -> None:
    """It is killed while it writes the first of five shipments."""
    orders = bench.order_ids(5)
    place(bench, [*map(event, orders)])
    with bench.effects.locked():
        bench.start()
        bench.until_acknowledged_or_stuck(orders[0])
        bench.kill()
    settle(bench, orders)
    demand_nothing_else_dead(bench, orders)
    demand_shipped(bench, orders, SURVIVES)


def event(order: str, country: str = "Italy") -> bytes:
    """An order in its envelope."""
    data = {"order_id": order, "country": country, "amount_cents": 29_999}
    envelope = {"id": f"order.created/{order}", "type": "order.created", "source": "shop"}
    return json.dumps({**envelope, "time": "2026-05-04T08:00:00Z", "data": data}).encode()


def place(bench: Bench, bodies: Sequence[bytes]) -> None:
    """Publish these into the queue, which is declared as shipping_queues.py does."""
    with bench.channel() as channel:
        channel.queue_declare(DEAD, durable=True, arguments={"x-queue-type": "classic"})
        channel.queue_declare(ORDERS, durable=True, arguments=ARGUMENTS)
        for body in bodies:
            channel.basic_publish("", ORDERS, body, PERSISTENT, mandatory=True)


def settle(bench: Bench, orders: Sequence[str]) -> None:
    """Wait until these are shipped, or nothing more happens, or the same happens again and again.

    What is shipped by then has been acknowledged: left open, it would hold up all others.
    """
    bench.settle(orders, or_else=bench.spins)
    for order in orders:
        bench.demand(DONE, bench.acknowledged(order) or not bench.shipments(order), order)


def demand_shipped(bench: Bench, orders: Sequence[str], promise: Promise) -> None:
    """Each of these has a shipment."""
    for order in orders:
        bench.demand(promise, bench.shipments(order) > 0, order)


def demand_dead(bench: Bench, bad: Sequence[bytes]) -> None:
    """These are the dead letters, each once, died in the service's queue; and nothing is left there."""
    left = bench.left_in(ORDERS)
    dead = dead_letters(bench, len(bad))
    for body in bad:
        deaths = [death for each, death in dead if each == body]
        holds = deaths == [(ORDERS, "rejected")]
        bench.demand(DEAD_LETTER, holds, name_in(body), found_there(deaths))
    others = [name_in(body) for body, _death in dead if body not in bad]
    bench.demand(NOTHING_ELSE, not others, *others[:1])
    bench.demand(DONE, not left, *left[:1])


def found_there(deaths: Sequence[tuple[str, str]]) -> str:
    """What the dead letters tell of one message, in words."""
    if len(deaths) != 1:
        return f"it is {f'{len(deaths)} times' if deaths else 'not'} among the dead letters"
    queue, reason = deaths[0]
    why = f"{reason} in {queue}" if reason else "without the broker's note why (x-death)"
    return f"it is among the dead letters, {why}"


def demand_nothing_else_dead(bench: Bench, orders: Sequence[str]) -> None:
    """None of these orders is a dead letter."""
    bench.program.stop()
    dead = [body for body, _death in dead_letters(bench, 1)]
    for order in orders:
        bench.demand(NOTHING_ELSE, event(order) not in dead, order)


def dead_letters(bench: Bench, expected: int) -> list[tuple[bytes, tuple[str, str]]]:
    """What lies in the dead letter queue, with the queue and the reason of its death.

    The broker moves a dead letter on its own time: a moment is given to as many as are expected.
    """
    found = []
    with bench.channel() as channel:
        bench.wait(lambda: channel.queue_declare(DEAD, passive=True).method.message_count >= expected, 1.0)
        while (got := channel.basic_get(DEAD, auto_ack=True))[0]:
            last = next(iter((got[1].headers or {}).get("x-death", [])), {})
            found.append((got[2], (last.get("queue", ""), last.get("reason", ""))))
    return found


REJECTION_IS_LOST = FaultPlan((Fault(When("reject"), Cut()), Fault(When("nack"), Cut())))
SCENARIOS = {
    messages_that_are_no_orders: FaultPlan(),
    an_order_to_nowhere: FaultPlan(),
    its_rejection_is_lost: REJECTION_IS_LOST,
    a_shipment_fails_for_now: FaultPlan(),
    it_dies_over_an_order: FaultPlan(),
}
