"""What the bench demands of exercise 09: a trip's state goes only forwards, whatever comes when."""

import json
from collections.abc import Sequence

import pika
from workbench.bench import Bench, Copy, Cut, Fault, FaultPlan, Kill, Promise, When, happened

QUEUE = "lesson09.trips"
QUEUES, EXCHANGES = [QUEUE], []

NEWEST = Promise(
    "a trip's state is that of its latest event",
    "Which part of an event says where it stands among those of its trip? Not its time: clocks differ."
    " And must those in between have come?",
)
BACK = Promise(
    "a trip that is requested again is requested",
    "A driver has given up. Does the type of an event tell you how late it is, or something else?",
)
AGAIN = Promise(
    "an event that comes again changes nothing",
    "What is known of the trip when the second copy comes? Is the copy later than that?",
)
REMEMBERS = Promise(
    "started anew, it knows what it knew",
    "Where do you keep what you know of a trip, and what is left of it after a SIGKILL?",
)
SURVIVES = Promise(
    "no event is lost, whoever dies when",
    "Is what the event says on disk when the event is acknowledged?",
)
TWO = Promise(
    "two services that have events of one trip keep its state",
    "Both may look what is known before either has written. Where does the second have to wait?",
)
DONE = Promise(
    "every event leaves the queue",
    "What becomes of an event that there is nothing to do for? Is it acknowledged too?",
)
PROMISES = [NEWEST, BACK, AGAIN, REMEMBERS, SURVIVES, TWO, DONE]

PERSISTENT = pika.BasicProperties(content_type="application/json", delivery_mode=2)
LIFE = ["trip.requested", "driver.accepted", "trip.started", "trip.completed"]
SECOND_DRIVER = ["trip.requested", "driver.accepted", "trip.requested", "driver.accepted"]
START_SECONDS = 10.0
# A right program waits for the locked ledger; a wrong one needs only a moment to look what is known.
LOOK_SECONDS = 0.7
WRITE_SECONDS = 2.0


def events_come_in_any_order(bench: Bench) -> None:
    """The events of four trips come mixed, of each the latest before some of the others."""
    trips = bench.order_ids(4)
    arriving = [(trip, number) for trip in trips for number in (2, 4, 1, 3)]
    bench.random.shuffle(arriving)
    late = [(trip, bench.random.choice((1, 2, 3))) for trip in trips]
    arriving = [each for each in arriving if each not in late] + late
    place(bench, arriving)
    bench.start()
    settle(bench, trips, len(arriving))
    for trip in trips:
        demand_state(bench, NEWEST, trip, LIFE[-1])
    bench.demand_empty(QUEUE, DONE)


def a_driver_gives_up(bench: Bench) -> None:
    """A driver gives a trip back, so that it is requested a second time."""
    trips = bench.order_ids(2)
    place(bench, [(trips[0], 1), (trips[0], 2), (trips[0], 3)], SECOND_DRIVER)
    place(bench, [(trips[1], 1), (trips[1], 3), (trips[1], 2)], SECOND_DRIVER)
    bench.start()
    settle(bench, trips, 6)
    for trip in trips:
        demand_state(bench, BACK, trip, "trip.requested")
    bench.demand_empty(QUEUE, DONE)


def events_come_again(bench: Bench) -> None:
    """Acknowledgements are lost, and older events come a second time."""
    trips = bench.order_ids(2)
    arriving = [(trip, number) for number in (1, 2, 3, 4, 2) for trip in trips]
    place(bench, arriving)
    bench.start()
    settle(bench, trips, len(arriving))
    for trip in trips:
        demand_state(bench, AGAIN, trip, LIFE[-1])
    bench.demand_empty(QUEUE, DONE)


def it_is_killed_between_two_events(bench: Bench) -> None:
    """It is killed when it knows that a trip has started; then an older event of that trip comes."""
    trips = bench.order_ids(1)
    place(bench, [(trips[0], 3)])
    bench.start()
    settle(bench, trips, 1)
    bench.kill()
    place(bench, [(trips[0], 2)])
    settle(bench, trips, 2)
    demand_state(bench, REMEMBERS, trips[0], "trip.started")


def it_is_killed_while_it_writes(bench: Bench) -> None:
    """It is killed while it writes what the first of two events says."""
    trips = bench.order_ids(2)
    bench.start()
    with bench.effects.locked():
        place(bench, [(trip, 1) for trip in trips])
        bench.until_acknowledged_or_stuck(trips[0])
        bench.kill()
    settle(bench, trips, 2)
    for trip in trips:
        demand_state(bench, SURVIVES, trip, "trip.requested")


def two_of_it_have_events_of_one_trip(bench: Bench) -> None:
    """One of two is slow over the older of two events: it has looked, and writes after the other one."""
    trips = bench.order_ids(1)
    bench.start()
    bench.start_another(shared_ledger=True)
    with bench.effects.locked():
        place(bench, [(trips[0], 1)])
        bench.wait(lambda: holder(bench) is not None, START_SECONDS)
        bench.wait(lambda: bench.acknowledged(trips[0]), LOOK_SECONDS)
        slow = holder(bench)
        slow.program.freeze()
        place(bench, [(trips[0], 2)])
    bench.wait(lambda: bench.acknowledged(trips[0]), WRITE_SECONDS)
    slow.program.thaw()
    settle(bench, trips, 2)
    demand_state(bench, TWO, trips[0], "driver.accepted")


def place(bench: Bench, arriving: Sequence[tuple[str, int]], life: Sequence[str] = LIFE) -> None:
    """Publish these events, each told by its trip and number, straight into the service's queue."""
    with bench.channel() as channel:
        channel.queue_declare(QUEUE, durable=True)
        for trip, number in arriving:
            # The clock of whoever says how a trip goes on is behind that of the one before.
            about = {"id": f"{trip}/{number}", "subject": trip, "sequence": number}
            event = {**happened(life[number - 1], trip), **about, "time": f"2026-05-04T08:00:{30 - number}Z"}
            channel.basic_publish("", QUEUE, json.dumps(event).encode(), PERSISTENT, mandatory=True)


def settle(bench: Bench, trips: Sequence[str], count: int) -> None:
    """Wait until so many events are acknowledged, nothing more happens, or the same again and again."""
    bench.settle(trips, or_else=lambda: acknowledged(bench) >= count or bench.spins())


def acknowledged(bench: Bench) -> int:
    """How many events the broker has seen acknowledged."""
    return sum(len(each.covers) for each in list(bench.events) if each.kind == "ack" and each.passed)


def holder(bench: Bench) -> Copy | None:
    """The copy of the program that was sent an event."""
    return next((copy for copy in bench.copies if bench.sent_to(copy)), None)


def demand_state(bench: Bench, promise: Promise, trip: str, state: str) -> None:
    """The ledger says this of the trip."""
    states = {row["order_id"]: row["state"] for row in bench.effects.rows("trips")}
    found = states.get(trip, "nothing")
    bench.demand(promise, found == state, trip, f"the ledger says {found}, and not {state}")


LOST = FaultPlan((Fault(When("ack", nth=4), Kill()), Fault(When("ack", nth=7), Cut())))
SCENARIOS = {
    events_come_in_any_order: FaultPlan(),
    a_driver_gives_up: FaultPlan(),
    events_come_again: LOST,
    it_is_killed_between_two_events: FaultPlan(),
    it_is_killed_while_it_writes: FaultPlan(),
    two_of_it_have_events_of_one_trip: FaultPlan(),
}
