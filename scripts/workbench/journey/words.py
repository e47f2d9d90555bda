"""The journey of one order in words: `A-0003 published · delivered to shipping · ack cut · redelivered …`.

The vocabulary, each word in the order in which the wire saw it:

    published, published again           a program sent it;
      … by P                             another program than the first one
      … to X                             the exchange or queue, where they go to several
    confirmed, refused by the broker     the broker's answer to a publish
    returned as unroutable               it was mandatory, and no queue wanted it
    delivered to P, redelivered to P     the second where the broker says that it was delivered before
    delivered to P, acked automatically  from then on it is out of the queue, whatever P does
    acked                                P is done with it
    nacked, rejected                     thrown away or dead-lettered;
      … and requeued                     or put back
    X cut, X dropped, X lost …           the wire kept X from passing: publish, confirm, return,
                                         delivery to P, ack, nack or reject
    P killed before its X                the same, with a SIGKILL
    P vanished, P's connection cut, …    an end that came before P's ack: it goes back to the queue
    confirm never arrived                an end that came before the confirm: it may be in the queue or not

P is a program's name. Where messages of several types are about the order, the type comes first, if it is
another than just before: `payment.completed delivered to shipping · acked`. What happens three times and more
is told once: `6 times (redelivered to shipping · shipping vanished)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workbench.journey.model import DELIVERIES, Step, order_of, printable, steps_of
from workbench.message import event_in, name_in, type_in
from workbench.wire import TO_BROKER, Event

SEPARATOR = " · "
# What is repeated less often, or is longer, is told as it was.
MIN_REPEATS = 3
MAX_REPEATED = 6
SAID = {
    "confirm": "confirmed",
    "confirm-nack": "refused by the broker",
    "return": "returned as unroutable",
    "ack": "acked",
    "nack requeue": "nacked and requeued",
    "nack": "nacked",
    "reject requeue": "rejected and requeued",
    "reject": "rejected",
}
THINGS = {"confirm-nack": "refusal"}
LOST_BY = {
    "cut": "cut",
    "cut_after": "cut",
    "refuse": "cut",
    "down": "cut",
    "drop": "dropped",
    "mute": "lost in silence",
}
ENDS = {
    "connection-close": "{whose} connection closed",
    "channel-close": "{whose} channel closed",
    "fault": "{whose} connection cut",
    "ended": "{whose} connection ended",
}


@dataclass(frozen=True)
class Moment:
    """A moment of an order's journey; `time` is in seconds since the wire started."""

    time: float
    words: str


def journey_of(events: Iterable[Event], order_id: str) -> str:
    """One line: the order's id, and what became of it, in the order in which the wire saw it.

    A message that names no order is followed by what it says instead.
    """
    told = [moment.words for moment in moments(events, order_id)]
    return f"{order_id} {in_a_line(told) or 'never passed the wire'}"


def in_a_line(told: Sequence[str]) -> str:
    """These moments in a line: what is repeated is told once, with how often it happened."""
    line = []
    rest = list(told)
    while rest:
        before, length, times = _repeated(rest)
        line += rest[:before]
        once = SEPARATOR.join(rest[before : before + length])
        line.append(once if times == 1 else f"{times} times ({once})")
        rest = rest[before + length * times :]
    return SEPARATOR.join(line)


def _repeated(told: Sequence[str]) -> tuple[int, int, int]:
    """What is repeated from the beginning on: after how many moments, how many, how often in a row."""
    for length in range(1, MAX_REPEATED + 1):
        times = 1
        while told[length * times : length * (times + 1)] == told[:length]:
            times += 1
        if times >= MIN_REPEATS:
            # Of `a b a b a b a` the last three are told together: a round ends where the whole ends.
            before = 0
            while told[before + length * times :][:1] == told[before : before + 1] and before < length:
                before += 1
            return before, length, times
    return 0, 1, 1


def moments(events: Iterable[Event], order_id: str) -> tuple[Moment, ...]:
    """The same, moment by moment, so that others (an effect in a ledger, say) can be put between them."""
    steps = list(steps_of(events, named))
    faults = [step for step in steps if step.kind == "fault"]
    about = [step for step in steps if step.concerns(order_id)]
    found: list[Moment] = []
    kept_back = False
    kinds = _Kinds(about)
    publishes = _Publishes(about)
    for step in about:
        # A fault that kept the step before from passing has been told with it.
        words = [] if step.kind == "fault" and kept_back else _words(step, order_id, faults, publishes)
        found += [Moment(step.time, kinds.named(step, each)) for each in words]
        kept_back = not step.passed
    return tuple(found)


def named(event: Event) -> str | None:
    """The order that a message is about; the message itself where it names none."""
    order = order_of(event)
    return order if order or event.body is None else printable(name_in(event.body))


class _Kinds:
    """The events that messages about an order tell: one is named where it is another than that before."""

    def __init__(self, about: Sequence[Step]) -> None:
        self._several = len({event_in(step.body) for step in about} - {""}) > 1
        self._last = ""

    def named(self, step: Step, words: str) -> str:
        """The words, and the event that they are about if it has to be named."""
        kind = printable(event_in(step.body))
        new = self._several and kind not in ("", self._last)
        self._last = kind  # of an end, which may concern several messages, none: it is named again
        if not new:
            return words
        return f"{words} of {kind}" if words.startswith(f"{step.program} killed") else f"{kind} {words}"


class _Publishes:
    """What was published about an order: by whom and to where is told where it is not always the same."""

    def __init__(self, about: Sequence[Step]) -> None:
        self._several_places = len({step.target for step in about if step.kind == "publish"}) > 1
        self._told: list[tuple] = []

    def told(self, step: Step) -> str:
        """In words; what was told before is published again."""
        what = (step.program, step.target, type_in(step.body) or step.note)
        again = " again" if what in self._told else ""
        self._told.append(what)
        first_program = self._told[0][0]
        by = "" if step.program == first_program else f" by {step.program}"
        to = f" to {step.target.name}" if self._several_places else ""
        return f"published{again}{by}{to}"


def _words(step: Step, order_id: str, faults: Sequence[Step], publishes: _Publishes) -> list[str]:
    if step.kind == "fault" or step.order != order_id:
        return _end(step, order_id)
    if not step.passed:
        return [_kept_back(step, _action_on(step, faults))]
    if step.kind == "publish":
        return [publishes.told(step)]
    if step.kind in DELIVERIES:
        return [_delivered(step)]
    return [SAID.get(step.label) or SAID.get(step.kind, step.label)]


def _delivered(step: Step) -> str:
    verb = "redelivered" if step.label == "redelivered" else "delivered"
    return f"{verb} to {step.program}{', acked automatically' if step.note else ''}"


def _action_on(step: Step, faults: Sequence[Step]) -> str:
    """What the wire did to a step that did not pass: it says so next."""
    same = (fault for fault in faults if fault.program == step.program and fault.seq > step.seq)
    return next((fault.action for fault in same), "")


def _kept_back(step: Step, action: str) -> str:
    thing = f"delivery to {step.program}" if step.kind in DELIVERIES else THINGS.get(step.kind, step.kind)
    if action == "kill" and step.direction == TO_BROKER:
        return f"{step.program} killed before its {thing}"
    return f"{thing} {LOST_BY.get(action, 'lost')}"


def _end(step: Step, order_id: str) -> list[str]:
    """What an end of a connection did to the order."""
    words = []
    if order_id in step.undelivered:
        end = ENDS.get(
            step.kind, "{who} vanished" if step.direction == TO_BROKER else "{who} lost its broker"
        )
        if step.action == "kill":
            end = "{who} killed"
        words.append(end.format(who=step.program, whose=f"{step.program}'s"))
    if order_id in step.unconfirmed:
        words.append("confirm never arrived")
    return words
