"""The wire: a relay between programs and a broker that tells what passes, and breaks it to plan.

    plan = FaultPlan((Fault(When("ack", nth=3, program="shipping"), Cut()),))
    with Wire("amqp://guest:guest@localhost/", plan, observer=events.append) as wire:
        run_the_program(AMQP_URL=wire.address_for("shipping"))

Events: events.py. Faults: faults.py. How fast it is: `python -m workbench.wire.benchmark`.
"""

from workbench.wire.events import TO_BROKER, TO_PROGRAM, Event
from workbench.wire.faults import (
    Cut,
    CutAfter,
    Down,
    Drop,
    Fault,
    FaultPlan,
    Hold,
    Kill,
    Mute,
    Refuse,
    Slow,
    When,
)
from workbench.wire.relay import Wire

__all__ = [
    "TO_BROKER",
    "TO_PROGRAM",
    "Cut",
    "CutAfter",
    "Down",
    "Drop",
    "Event",
    "Fault",
    "FaultPlan",
    "Hold",
    "Kill",
    "Mute",
    "Refuse",
    "Slow",
    "When",
    "Wire",
]
