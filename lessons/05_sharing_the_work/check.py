"""What the bench demands of exercise 05: several copies share the work, and lose nothing when one dies."""

from collections.abc import Sequence

from workbench.bench import Bench, Copy, FaultPlan, Promise, happened

EXCHANGE = "lesson05.events"
QUEUE = "lesson05.shipping"
QUEUES, EXCHANGES = [QUEUE], [EXCHANGE]
SPARE = 2  # the order that a copy works on, and perhaps one that is on its way to it
WAIT_SECONDS = 4.0

BESIDE = Promise(
    "a second copy works beside the first", "What does the broker say to the second copy? Who may consume?"
)
FAIR = Promise(
    f"a copy that is stuck keeps at most {SPARE} orders from the others",
    "How many orders may a copy hold that it has not acknowledged? When must that be said, to count?",
)
ONCE = Promise(
    "no order is shipped by two copies",
    "How many queues do the copies of one service need? Who gets a copy of each event?",
)
SURVIVES = Promise(
    "what a copy held when it died is shipped by another",
    "When does an order leave the queue: when it is sent to a copy, or when its shipment is written?",
)
DONE = Promise("an order that is shipped leaves the queue", "What tells the broker that an order is done?")
PROMISES = [BESIDE, FAIR, ONCE, SURVIVES, DONE]


def a_copy_is_stuck(bench: Bench) -> None:
    """Of two copies one is stuck in its first order, and goes on when the other has done what it can."""
    stuck, other = start_two(bench)
    orders = bench.order_ids(10)
    with stuck.effects.locked():
        bench.publish(EXCHANGE, [happened("order.created", order) for order in orders])
        bench.settle(orders)
        kept = [order for order in orders if not bench.shipments(order)]
        bench.demand(BESIDE, bool(bench.sent_to(stuck)) and bool(bench.sent_to(other)), orders[0])
        bench.demand(FAIR, len(kept) <= SPARE, "".join(kept[-1:]), what_was_held(bench, stuck, orders))
    bench.wait(lambda: has_shipped_what_it_was_sent(bench, stuck), WAIT_SECONDS)
    bench.settle(orders)
    for order in orders:
        bench.demand(ONCE, bench.shipments(order) <= 1, order)
    bench.demand_empty(QUEUE, DONE)


def what_was_held(bench: Bench, stuck: Copy, orders: Sequence[str]) -> str:
    """How many orders the stuck copy holds; where that are few, why the other one did not get the rest."""
    held = len(bench.sent_to(stuck))
    if held <= SPARE and not any(map(bench.acknowledged, orders)):
        return f"the stuck copy held {held} of {len(orders)}, but no copy acknowledged any and so got no more"
    return f"the stuck copy held {held} of {len(orders)}"


def a_copy_dies(bench: Bench) -> None:
    """Of two copies one is killed over its first order, and does not come back."""
    dying, _other = start_two(bench)
    orders = bench.order_ids(6)
    with dying.effects.locked():
        bench.publish(EXCHANGE, [happened("order.created", order) for order in orders])
        bench.wait(lambda: bool(bench.sent_to(dying)), WAIT_SECONDS)
        for order in bench.sent_to(dying)[:1]:
            bench.until_acknowledged_or_stuck(order)
        bench.end(dying)
    bench.settle(orders)
    for order in orders:
        bench.demand(SURVIVES, bench.shipments(order) > 0, order)
    bench.demand_empty(QUEUE, DONE)


def has_shipped_what_it_was_sent(bench: Bench, copy: Copy) -> bool:
    """Whether this copy has written a shipment for each order that it got."""
    return {effect.order_id for effect in copy.effects.written()} >= set(bench.sent_to(copy))


def start_two(bench: Bench) -> tuple[Copy, Copy]:
    """Two copies of the program that both listen; their queue is there already."""
    with bench.channel() as channel:
        channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
        channel.queue_declare(QUEUE, durable=True)
        channel.queue_bind(QUEUE, EXCHANGE, "order.created")
    bench.start()
    return bench.copies[0], bench.start_another(expected=BESIDE, max_starts=2)


SCENARIOS = {a_copy_is_stuck: FaultPlan(), a_copy_dies: FaultPlan()}
