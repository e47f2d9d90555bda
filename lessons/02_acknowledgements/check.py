"""What the bench demands of exercise 02: no order is lost, whoever dies when.

To ship one twice is allowed, until lesson 06.
"""

from workbench.bench import Bench, Cut, CutAfter, Down, Fault, FaultPlan, Promise, When

QUEUE = "lesson02.orders"
QUEUES, EXCHANGES = [QUEUE], []

SURVIVES = Promise(
    "an order comes back when the service dies over it",
    "When does the order leave the queue: when it is sent, or when its shipment is written?",
)
ONLY_ITS_OWN = Promise(
    "an acknowledgement is for shipped orders only",
    "Orders that wait in the service's memory are not shipped yet. What does the acknowledgement cover?",
)
FAILS = Promise(
    "an order whose shipment fails is tried again",
    "When schedule_shipment() raises, does the broker hear an acknowledgement? If it hears nothing,"
    " what has to end before it sends the order again?",
)
AGAIN = Promise(
    "an order that comes back is dealt with",
    "When an acknowledgement is lost, the order comes again. Is it acknowledged then?",
)
RETURNS = Promise(
    "it serves again after the broker was away",
    "The service may end when its connection does, with an error: it is started again. Does it end?",
)
DONE = Promise(
    "an order that is shipped leaves the queue",
    "What tells the broker that a message is done? Is that always said?",
)
PROMISES = [SURVIVES, ONLY_ITS_OWN, FAILS, AGAIN, RETURNS, DONE]


def it_dies_over_an_order(bench: Bench) -> None:
    """It is killed while it writes the first of five shipments."""
    orders = bench.order_ids(5)
    bench.place(QUEUE, orders)
    with bench.effects.locked():
        bench.start()
        bench.until_acknowledged_or_stuck(orders[0])
        bench.kill()
    bench.settle(orders)
    demand_all_shipped(bench, orders, SURVIVES)
    bench.demand_empty(QUEUE, DONE)


def it_is_cut_off_after_an_acknowledgement(bench: Bench) -> None:
    """Its connection is cut just after its first acknowledgement has arrived."""
    orders = bench.order_ids(6)
    bench.place(QUEUE, orders)
    bench.start()
    bench.settle(orders)
    demand_all_shipped(bench, orders, ONLY_ITS_OWN)


def its_acknowledgement_is_lost(bench: Bench) -> None:
    """Its connection is cut just before its third acknowledgement arrives."""
    orders = bench.order_ids(5)
    bench.place(QUEUE, orders)
    bench.start()
    bench.settle(orders)
    demand_all_shipped(bench, orders, AGAIN)
    bench.demand_empty(QUEUE, AGAIN)


def a_shipment_fails(bench: Bench) -> None:
    """No truck is free for the second order, for a while."""
    orders = bench.order_ids(4)
    bench.place(QUEUE, orders)
    with bench.effects.refusing(orders[1]):
        bench.start()
        bench.until_given_back(orders[1])
    bench.settle(orders)
    demand_all_shipped(bench, orders, FAILS)


def the_broker_goes_away(bench: Bench) -> None:
    """The broker is away for a moment, with orders in its queue."""
    orders = bench.order_ids(6)
    bench.place(QUEUE, orders[:4])
    bench.start()
    bench.settle(orders[:4])
    bench.place(QUEUE, orders[4:])
    bench.settle(orders)
    demand_all_shipped(bench, orders, RETURNS)
    bench.demand_empty(QUEUE, DONE)


def demand_all_shipped(bench: Bench, orders: list[str], promise: Promise) -> None:
    """Each of these has a shipment."""
    for order in orders:
        bench.demand(promise, bench.shipments(order) > 0, order)


SCENARIOS = {
    it_dies_over_an_order: FaultPlan(),
    it_is_cut_off_after_an_acknowledgement: FaultPlan((Fault(When("ack"), CutAfter()),)),
    its_acknowledgement_is_lost: FaultPlan((Fault(When("ack", nth=3), Cut()),)),
    a_shipment_fails: FaultPlan(),
    the_broker_goes_away: FaultPlan((Fault(When("ack", nth=3), Down(seconds=0.3)),)),
}
