"""Keeps count of what passes, and says which fault strikes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from workbench.wire.events import EITHER, FRAME_KINDS, Event
from workbench.wire.faults import Fault, FaultPlan, When


class Watch:
    """Counts the events that match one moment."""

    def __init__(self, when: When, seed: str = "") -> None:
        self.when = when
        self._chance = random.Random(seed)
        self._seen = 0
        self._struck = 0
        # `A-1` must not be found in `A-10`.
        self._about = when.about and re.compile(
            rb"(?<![\w-])" + re.escape(when.about.encode()) + rb"(?![\w-])"
        )

    def spent(self) -> bool:
        """Whether it has come as often as it may."""
        return self._struck >= self.when.times

    def concerns(self, program: str, direction: str) -> bool:
        """Whether the moment may still come, for this program in this direction."""
        if self.spent() or self.when.program not in (None, program):
            return False
        return FRAME_KINDS.get(self.when.kind, EITHER) in (EITHER, direction)

    def comes_with(self, event: Event) -> bool:
        """Count this event; True if the moment has come."""
        if not self._matches(event):
            return False
        self._seen += 1
        return self._seen >= self.when.nth and self._chance.random() < self.when.chance

    def strike(self) -> None:
        """Take note that the moment was used."""
        self._struck += 1

    def _matches(self, event: Event) -> bool:
        if event.kind != self.when.kind or self.when.program not in (None, event.program):
            return False
        return not self._about or event.mentions(self._about)


class Lookout:
    """The counters of a whole plan, and of what a hold waits for."""

    def __init__(self, plan: FaultPlan) -> None:
        # A generator for each fault: how often one draws does not change what another one does.
        self._faults = [(f, Watch(f.when, f"{plan.seed}:{i}")) for i, f in enumerate(plan.faults)]
        self._awaited: list[tuple[Watch, Callable[[], None]]] = []

    def watching(self, program: str, direction: str) -> bool:
        """Whether any fault may yet strike what this program says, or hears, in this direction."""
        return any(watch.concerns(program, direction) for _, watch in self._faults)

    def strike(self, event: Event) -> Fault | None:
        """Count this event for every fault; the first one whose moment it is."""
        come = [
            (fault, watch) for fault, watch in self._faults if not watch.spent() and watch.comes_with(event)
        ]
        if not come:
            return None
        fault, watch = come[0]
        watch.strike()
        return fault

    def await_passing(self, when: When, then: Callable[[], None]) -> None:
        """Call `then` once, when the moment has come; only events from now on are counted."""
        self._awaited.append((Watch(when), then))

    def has_passed(self, event: Event) -> None:
        """Tell those who wait for it."""
        if not self._awaited:
            return
        for awaited in [each for each in self._awaited if each[0].comes_with(event)]:
            self._awaited.remove(awaited)
            awaited[1]()
