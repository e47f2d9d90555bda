"""Steps in an order that follows from what happened, and not from which of two programs was a moment faster.

A picture on a page must be the same at every run. What one program sends keeps its order, and so does what
it is sent; an order's own steps keep theirs; a consumer that holds as many as it may is sent the next one
when it has settled one; a program that never waited for anything had ended before the next one began. Among
all orders of steps that obey this, the one is taken in which the broker waits for nobody: it confirms and
delivers as soon as it may. Where a program may speak too, it follows an order for as long as it can.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workbench.journey.model import ANSWERS, DELIVERIES, SETTLEMENTS, Step
from workbench.wire import TO_PROGRAM


def in_causal_order(steps: Iterable[Step], programs: Sequence[str], waiting: Iterable[str]) -> list[Step]:
    """The steps that are worth a picture, in that order.

    `programs` are in the order in which they were started; `waiting` are those that waited for messages.
    """
    seen = [step for step in steps if step.always]
    left = dict(enumerate(seen))
    needs = _needs(seen, _ended_before(programs, set(waiting)))
    ordered: list[Step] = []
    while left:
        free = [index for index in left if not needs[index] & left.keys()]
        chosen = min(free, key=lambda index: _preference(left[index], ordered, programs))
        ordered.append(left.pop(chosen))
    return ordered


def _ended_before(programs: Sequence[str], waiting: set[str]) -> dict[str, set[str]]:
    """For each program those that had ended when it was started."""
    return {
        program: {earlier for earlier in programs[:place] if earlier not in waiting}
        for place, program in enumerate(programs)
    }


def _needs(steps: Sequence[Step], ended_before: dict[str, set[str]]) -> list[set[int]]:
    return [
        {
            index
            for index, earlier in enumerate(steps[:place])
            if earlier.program in ended_before[step.program] or _precedes(earlier, step)
        }
        | _makes_room(steps, place)
        for place, step in enumerate(steps)
    ]


def _makes_room(steps: Sequence[Step], place: int) -> set[int]:
    """The settlements without which its consumer could not have been sent this delivery."""
    step = steps[place]
    if step.kind not in DELIVERIES or not step.window:
        return set()
    same = [i for i, each in enumerate(steps[:place]) if _connection(each) == _connection(step)]
    sent_before = sum(steps[i].kind in DELIVERIES for i in same)
    settled = [i for i in same if steps[i].kind in SETTLEMENTS]
    return set(settled[: max(0, sent_before + 1 - step.window)])


def _connection(step: Step) -> tuple[str, int]:
    return step.program, step.connection


def _precedes(earlier: Step, step: Step) -> bool:
    """Whether this earlier step had to come before, and not only happened to."""
    if earlier.program == step.program:
        # What befalls a program stands where it was seen; an answer follows what it answers.
        lane = earlier.direction == step.direction and earlier.target is not None and step.target is not None
        return lane or step.target is None or earlier.target is None or earlier.order == step.order
    if earlier.kind in ANSWERS | {"return"} or step.kind in ANSWERS | {"return"}:
        return False
    if earlier.target is None or step.target is None:
        return any(step.concerns(order) for order in _orders(earlier))
    # Two events about one order may be on their way at once; the copies of one message are one after another.
    return earlier.body == step.body


def _orders(step: Step) -> set[str]:
    return {*step.undelivered, *step.unconfirmed, *([step.order] if step.order is not None else [])}


def _preference(step: Step, ordered: Sequence[Step], programs: Sequence[str]) -> tuple:
    last = ordered[-1].order if ordered else None
    waits = step.direction != TO_PROGRAM, step.kind not in ANSWERS
    return *waits, step.order != last, programs.index(step.program), step.direction, step.connection
