"""What the bench demands of exercise 01: each order is heard, shipped once, and done with."""

from workbench.bench import Bench, FaultPlan, Promise

QUEUE = "lesson01.orders"
QUEUES, EXCHANGES = [QUEUE], []

SHIPPED = Promise(
    "every order gets a shipment",
    "Is schedule_shipment() called for each order that is heard, with that order's id?",
)
ONCE = Promise("no order gets two shipments", "How often is schedule_shipment() called for one order?")
DONE = Promise(
    "an order that is shipped leaves the queue",
    "What tells the broker that a message is done? Look at the last line of consumer.py's loop.",
)
STAYS = Promise("it goes on listening for orders to come", "Does the program end when the queue is empty?")
FIRST = Promise(
    "it may be the first to start",
    "Whoever comes first creates the queue. Does the service declare it, in the producer's words?",
)
PROMISES = [SHIPPED, ONCE, DONE, STAYS, FIRST]


def orders_wait(bench: Bench) -> None:
    """Orders wait when it starts, and more come later."""
    waiting, later = split(bench.order_ids(8), 5)
    bench.place(QUEUE, waiting)
    bench.start(max_starts=1)
    bench.settle(waiting)
    demand_shipped(bench, waiting, SHIPPED)
    bench.place(QUEUE, later)
    bench.settle(later)
    demand_shipped(bench, later, STAYS)
    bench.demand_empty(QUEUE, DONE)


def it_starts_first(bench: Bench) -> None:
    """It starts before there is a queue."""
    bench.start(expected=FIRST, max_starts=1)
    orders = bench.order_ids(3)
    bench.place(QUEUE, orders, expected=FIRST)
    bench.settle(orders)
    demand_shipped(bench, orders, SHIPPED)


def demand_shipped(bench: Bench, orders: list[str], promise: Promise) -> None:
    """Each of these has a shipment, and one only."""
    for order in orders:
        bench.demand(promise, bench.shipments(order) > 0, order)
        bench.demand(ONCE, bench.shipments(order) == 1, order)


def split(orders: list[str], at: int) -> tuple[list[str], list[str]]:
    """The first so many, and the others."""
    return orders[:at], orders[at:]


SCENARIOS = {orders_wait: FaultPlan(), it_starts_first: FaultPlan()}
