"""Journeys: what programs and a broker said to each other, told order by order, and drawn.

Data flows one way: performance (programs behind the wire) -> model (the wire's events as steps: who said
what to whom about which order) -> words, drawing, mermaid, svg. `causal` puts steps into an order that does
not depend on timing; `repeats` counts what a live drawing would show again and again; `pages` draws a lesson
page's pictures.
"""

from workbench.journey.model import EXCHANGE, PROGRAM, QUEUE, Participant, Step, order_of, steps_of
from workbench.journey.words import Moment, journey_of, moments

__all__ = [
    "EXCHANGE",
    "PROGRAM",
    "QUEUE",
    "Moment",
    "Participant",
    "Step",
    "journey_of",
    "moments",
    "order_of",
    "steps_of",
]
