"""Steps that come again and again, such as an order that spins between its queue and a program: counted."""

from __future__ import annotations

from collections.abc import Callable

from workbench.journey.model import DELIVERIES, Step
from workbench.journey.words import MAX_REPEATED, MIN_REPEATS

# A round is told from the message on: what answers it ends the round.
BEGINS = {"publish", *DELIVERIES}


class Repeats:
    """Shows each step, but of a repeated round only the first ones; then `tell` is told how many came."""

    def __init__(self, show: Callable[[Step], None], tell: Callable[[str], None]) -> None:
        self._show = show
        self._tell = tell
        self._shown: list[tuple] = []
        self._round: list[tuple] = []
        self._held: list[Step] = []
        self._rounds = 0

    def see(self, step: Step) -> None:
        """Show the step, or hold it back where it is the next one of a round that is repeated."""
        if self._round and _key(step) == self._round[len(self._held)]:
            self._hold(step)
            return
        self.end()
        self._show(step)
        self._shown = [*self._shown, _key(step)][-MIN_REPEATS * MAX_REPEATED :]
        self._round = self._repeated() if step.order is not None else []

    def _hold(self, step: Step) -> None:
        self._held.append(step)
        if len(self._held) < len(self._round):
            return
        if not self._rounds:
            lines = "line" if len(self._round) == 1 else f"{len(self._round)} lines"
            self._tell(f"the last {lines} again and again:")
        self._rounds += 1
        self._held = []

    def _repeated(self) -> list[tuple]:
        """The round that was shown several times just now, if one was."""
        for length in range(1, MAX_REPEATED + 1):
            last = self._shown[-length:]
            if last[0][0] in BEGINS and self._shown[-length * MIN_REPEATS :] == last * MIN_REPEATS:
                return last
        return []

    def end(self) -> None:
        """Tell how many rounds were not shown, and show what had begun as one more."""
        if self._rounds:
            self._tell(f"{self._rounds} times more")
        if self._round:
            self._shown = []
        for step in self._held:
            self._show(step)
        self._round, self._held, self._rounds = [], [], 0


def _key(step: Step) -> tuple:
    """What a line of a drawing shows of a step."""
    return step.kind, step.source, step.target, step.order, step.message, step.remark, step.passed
