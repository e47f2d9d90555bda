"""What the bench demands of exercise 06: each order is shipped once, however often its event comes."""

import json
from collections.abc import Sequence

import pika
from workbench.bench import Bench, Cut, Fault, FaultPlan, Kill, Promise, When, happened, order_in

QUEUE = "lesson06.shipping"
QUEUES, EXCHANGES = [QUEUE], ["lesson06.events"]

TWICE = Promise(
    "an event that is published twice ships its order once",
    "What do the two copies have in common, by which you could know the second one again?",
)
AGAIN = Promise(
    "an event that comes back ships its order once",
    "The event comes again to a program that was started anew. What does that one remember, and from where?",
)
TOGETHER = Promise(
    "a shipment and the memory of it are written together, or not at all",
    "Something can fail between any two statements. Which of yours have to share a transaction() block?",
)
SURVIVES = Promise(
    "no order is lost, whoever dies when",
    "Is the shipment on disk when the event is acknowledged? And when is a transaction on disk?",
)
TWO = Promise(
    "two services that hold the same event ship its order once",
    "Both may look whether it is new before either has written. Where does the second have to wait?",
)
DONE = Promise(
    "every copy of an event leaves the queue",
    "What becomes of a copy that there is nothing to do for? Is it acknowledged too?",
)
PROMISES = [TWICE, AGAIN, TOGETHER, SURVIVES, TWO, DONE]

PERSISTENT = pika.BasicProperties(content_type="application/json", delivery_mode=2)
# So long may a copy of what is shipped already take to be acknowledged.
COPY_SECONDS = 2.0
# A right program waits for the locked ledger; a wrong one needs only a moment to look for the event.
LOOK_SECONDS = 0.7


def every_event_comes_twice(bench: Bench) -> None:
    """Each of four events is published twice."""
    orders = bench.order_ids(4)
    place(bench, orders * 2)
    bench.start()
    settle(bench, orders, copies=2)
    demand_shipped_once(bench, orders, TWICE)
    bench.demand_empty(QUEUE, DONE)


def its_acknowledgements_are_lost(bench: Bench) -> None:
    """It is killed just before its second acknowledgement arrives, and cut off before its fourth."""
    orders = bench.order_ids(4)
    place(bench, orders)
    bench.start()
    settle(bench, orders)
    demand_shipped_once(bench, orders, AGAIN)
    bench.demand_empty(QUEUE, DONE)


def its_memory_fails(bench: Bench) -> None:
    """For a while nothing can be written but shipments."""
    orders = bench.order_ids(3)
    place(bench, orders[:1])
    bench.start()
    settle(bench, orders[:1])
    with bench.effects.unwritable(bench.effects.own_tables()):
        place(bench, orders[1:2])
        bench.until_given_back(orders[1])
    place(bench, orders[2:])
    settle(bench, orders)
    demand_shipped_once(bench, orders, TOGETHER)


def its_shipment_fails(bench: Bench) -> None:
    """For a while no shipment can be written."""
    demand_shipped_once(bench, fail_to_ship_one_of_three(bench), TOGETHER)


def what_was_not_shipped_comes_again(bench: Bench) -> None:
    """For a while no shipment can be written; then the event comes again."""
    # The same once more: who remembers and does not ship breaks two promises, and a scenario ends at one.
    demand_none_lost(bench, fail_to_ship_one_of_three(bench), SURVIVES)


def fail_to_ship_one_of_three(bench: Bench) -> list[str]:
    """Place three orders; the shipment of the second cannot be written when its event comes first."""
    orders = bench.order_ids(3)
    place(bench, orders[:1])
    bench.start()
    settle(bench, orders[:1])
    with bench.effects.unwritable(["shipments"]):
        place(bench, orders[1:2])
        bench.until_given_back(orders[1])
    place(bench, orders[2:])
    settle(bench, orders)
    return orders


def it_dies_before_it_commits(bench: Bench) -> None:
    """It is killed while its first shipment is written, but not yet committed."""
    orders = bench.order_ids(3)
    bench.start()
    with bench.effects.nothing_commits():
        place(bench, orders)
        bench.until_acknowledged_or_stuck(orders[0])
        bench.kill()
    settle(bench, orders)
    demand_shipped_once(bench, orders, SURVIVES)


def two_of_it_hold_the_same_event(bench: Bench) -> None:
    """Two of it run; both get a copy of an event while the ledger is locked."""
    orders = bench.order_ids(1)
    bench.start()
    bench.start_another(shared_ledger=True)
    with bench.effects.locked():
        place(bench, orders * 2)
        bench.wait(lambda: holders(bench, orders[0]) == 2, COPY_SECONDS)
        bench.wait(lambda: bench.acknowledged(orders[0]), LOOK_SECONDS)
    settle(bench, orders, copies=2)
    demand_shipped_once(bench, orders, TWO)
    bench.demand_empty(QUEUE, DONE)


def everything_at_once(bench: Bench) -> None:
    """Two of it run, each event comes twice; one is killed, the other cut off."""
    orders = bench.order_ids(6)
    bench.start()
    bench.start_another(shared_ledger=True)
    place(bench, [order for order in orders for _copy in range(2)])
    settle(bench, orders, copies=2)
    demand_shipped_once(bench, orders, AGAIN)
    bench.demand_empty(QUEUE, DONE)


def place(bench: Bench, orders: Sequence[str]) -> None:
    """Publish the event of each of these straight into the service's queue, of some the same one again."""
    events = {order: json.dumps(happened("order.created", order, amount_cents=29_999)) for order in orders}
    with bench.channel() as channel:
        channel.queue_declare(QUEUE, durable=True)
        for order in orders:
            channel.basic_publish("", QUEUE, events[order].encode(), PERSISTENT, mandatory=True)


def settle(bench: Bench, orders: Sequence[str], copies: int = 1) -> None:
    """Wait until these are shipped and each copy is acknowledged, or until nothing more happens."""
    bench.settle(orders)
    bench.wait(lambda: all(acknowledgements(bench, order) >= copies for order in orders), COPY_SECONDS)


def acknowledgements(bench: Bench, order: str) -> int:
    """How many copies of an order's event the broker has seen acknowledged."""
    acks = [each for each in list(bench.events) if each.kind == "ack" and each.passed]
    return sum(order_in(copy.body) == order for ack in acks for copy in ack.covers)


def holders(bench: Bench, order: str) -> int:
    """How many programs were sent this order."""
    return len({each.program for each in bench.deliveries(order)})


def demand_shipped_once(bench: Bench, orders: Sequence[str], promise: Promise) -> None:
    """Each of these has one shipment: one that has none is lost, and that is another promise."""
    demand_none_lost(bench, orders, SURVIVES if promise is not TOGETHER else promise)
    for order in orders:
        bench.demand(promise, bench.shipments(order) == 1, order)


def demand_none_lost(bench: Bench, orders: Sequence[str], promise: Promise) -> None:
    """Each of these is shipped."""
    for order in orders:
        bench.demand(promise, bench.shipments(order) > 0, order, "never shipped")


LOST = FaultPlan((Fault(When("ack", nth=2), Kill()), Fault(When("ack", nth=4), Cut())))
ONE_KILLED_ONE_CUT = FaultPlan(
    (
        Fault(When("ack", nth=2, program="shipping"), Kill()),
        Fault(When("ack", nth=3, program="shipping-2"), Cut()),
    )
)
SCENARIOS = {
    every_event_comes_twice: FaultPlan(),
    its_acknowledgements_are_lost: LOST,
    everything_at_once: ONE_KILLED_ONE_CUT,
    two_of_it_hold_the_same_event: FaultPlan(),
    its_memory_fails: FaultPlan(),
    its_shipment_fails: FaultPlan(),
    what_was_not_shipped_comes_again: FaultPlan(),
    it_dies_before_it_commits: FaultPlan(),
}
