"""The fault plan: what goes wrong, and at which exact moment. Data only; JSON in and out."""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, fields
from typing import ClassVar

from workbench.wire.events import FRAME_KINDS

MESSAGES_AND_ANSWERS = {
    "publish", "ack", "nack", "reject", "deliver", "get-ok", "return", "confirm", "confirm-nack",
}  # fmt: skip
# Without one of these both sides go on undisturbed. A publish cannot be dropped: every later confirm would
# then name the wrong message.
DROPPABLE = {"deliver", "return", "confirm", "confirm-nack", "ack", "nack", "reject"}
ANY_MOMENT = {"connect", *FRAME_KINDS}


def ordinal(number: int) -> str:
    """1 as `1st`, 12 as `12th`."""
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


@dataclass(frozen=True)
class When:
    """A moment: from the nth event on that matches, with this chance, at most so many times.

    With `program` only that program's events are counted, without it those of all together. `about` counts
    only events with this text, an order's id say, in their body or in a body that they cover; it has to
    stand alone there: `A-1` is not found in `A-10`. Raises ValueError.
    """

    kind: str
    nth: int = 1
    program: str | None = None
    about: str | None = None
    chance: float = 1.0
    times: int = 1

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.kind not in ANY_MOMENT:
            raise ValueError(f"{self.kind!r} is no kind of event that a fault can wait for")
        if self.nth < 1 or self.times < 1 or not 0 < self.chance <= 1:
            raise ValueError("nth and times begin at 1, and a chance is above 0 and at most 1")

    def __str__(self) -> str:
        """In words."""
        about = f" about {self.about}" if self.about else ""
        again = f", {self.times} times" if self.times > 1 else ""
        chance = f", by a chance of {self.chance:g}" if self.chance < 1 else ""
        onward = " onward" if again or chance else ""
        return (
            f"{self.program or 'any program'}: {ordinal(self.nth)} {self.kind}{about}{onward}{chance}{again}"
        )


@dataclass(frozen=True)
class Action:
    """What a fault does. The subclasses are all there are."""

    name: ClassVar[str] = ""
    says: ClassVar[str] = ""
    kinds: ClassVar[set[str]] = ANY_MOMENT

    def check(self) -> None:
        """Raise ValueError where the parameters make no sense."""

    def __str__(self) -> str:
        """What it does, in words."""
        return self.says


@dataclass(frozen=True)
class Cut(Action):
    """Both sides of the connection end at once; what triggered it does not pass.

    The program reads a reset. The broker has handled all that passed before: the wire asks it, in vain for at
    most some seconds, before it hangs up.
    """

    name: ClassVar[str] = "cut"
    says: ClassVar[str] = "cut before it passes"


@dataclass(frozen=True)
class CutAfter(Action):
    """It passes, and then both sides end.

    Where it is a publish that the broker will confirm, the cut waits for that confirm, which does not pass.
    """

    name: ClassVar[str] = "cut_after"
    says: ClassVar[str] = "cut after it has arrived"
    kinds: ClassVar[set[str]] = MESSAGES_AND_ANSWERS


@dataclass(frozen=True)
class Kill(Action):
    """The program is killed, by the callback given to the Wire; what triggered it does not pass."""

    name: ClassVar[str] = "kill"
    says: ClassVar[str] = "kill the program before it passes"


@dataclass(frozen=True)
class Hold(Action):
    """It is kept back for some seconds, or until another event has passed; given both, until the first.

    What follows it on the same channel in the same direction waits behind it: nothing is reordered.
    """

    name: ClassVar[str] = "hold"
    kinds: ClassVar[set[str]] = set(FRAME_KINDS)
    seconds: float | None = None
    until: When | None = None

    def check(self) -> None:
        """Raise ValueError where the parameters make no sense."""
        if self.seconds is None and self.until is None:
            raise ValueError("a hold needs seconds, or an event until which it lasts")

    def __str__(self) -> str:
        """In words."""
        ends = [f"for {self.seconds:g} s"] if self.seconds is not None else []
        ends += [f"until {self.until}"] if self.until else []
        return f"hold it back {' or '.join(ends)}"


@dataclass(frozen=True)
class Drop(Action):
    """It does not pass; everything later does."""

    name: ClassVar[str] = "drop"
    says: ClassVar[str] = "drop it"
    kinds: ClassVar[set[str]] = DROPPABLE


@dataclass(frozen=True)
class Slow(Action):
    """From then on the program gets at most so many deliveries per second."""

    name: ClassVar[str] = "slow"
    per_second: float = 10.0

    def check(self) -> None:
        """Raise ValueError where the parameters make no sense."""
        if self.per_second <= 0:
            raise ValueError("slow needs more than 0 deliveries per second")

    def __str__(self) -> str:
        """In words."""
        return f"from then on at most {self.per_second:g} deliveries per second"


@dataclass(frozen=True)
class Mute(Action):
    """From then on nothing passes on this connection, not even heartbeats, until one side gives it up.

    The wire then ends the other side too. New connections of the program work.
    """

    name: ClassVar[str] = "mute"
    says: ClassVar[str] = "nothing passes any more, not even heartbeats"


@dataclass(frozen=True)
class Refuse(Action):
    """The program's connections are cut, and new ones refused.

    For some seconds: nothing listens at the port. For so many tries: each is accepted and reset.
    """

    name: ClassVar[str] = "refuse"
    seconds: float | None = None
    tries: int | None = None

    def check(self) -> None:
        """Raise ValueError where the parameters make no sense."""
        if (self.seconds is None) == (self.tries is None):
            raise ValueError("refuse needs either seconds or tries")

    def __str__(self) -> str:
        """In words."""
        span = f"for {self.seconds:g} s" if self.seconds is not None else f"{self.tries} times"
        return f"cut, and refuse connections {span}"


@dataclass(frozen=True)
class Down(Action):
    """The broker goes away for all programs, and comes back after some seconds.

    `announced`: it says connection.close 320 CONNECTION_FORCED first, as a broker does that is shut down.
    """

    name: ClassVar[str] = "down"
    seconds: float = 1.0
    announced: bool = False

    def __str__(self) -> str:
        """In words."""
        how = "with connection.close 320" if self.announced else "without a word"
        return f"the broker goes away {how}, for {self.seconds:g} s"


ACTIONS = {action.name: action for action in (Cut, CutAfter, Kill, Hold, Drop, Slow, Mute, Refuse, Down)}


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong at one moment. Raises ValueError where the two do not fit."""

    when: When
    do: Action

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        self.do.check()
        if self.when.kind not in self.do.kinds:
            raise ValueError(f"{self.do.name} cannot be done to {self.when.kind}")

    def __str__(self) -> str:
        """In words."""
        return f"{self.when}: {self.do}"


@dataclass(frozen=True)
class FaultPlan:
    """The faults of one run. The same plan against the same traffic strikes at the same moments.

    An event is struck by one fault at most, the first in the plan. `str()` has one line for each fault.
    """

    faults: tuple[Fault, ...] = ()
    seed: int = 0

    def __str__(self) -> str:
        """In words."""
        chancy = any(fault.when.chance < 1 for fault in self.faults)
        return "\n".join([*map(str, self.faults), *([f"seed {self.seed}"] if chancy else [])])

    def to_json(self) -> str:
        """The plan as JSON, defaults left out; `from_json` reads it."""
        faults = [{"when": _spare(fault.when), "do": _action_out(fault.do)} for fault in self.faults]
        return json.dumps({"seed": self.seed, "faults": faults})

    @classmethod
    def from_json(cls, text: str) -> FaultPlan:
        """The plan that `to_json` wrote. Raises ValueError, with a sentence, for anything else."""
        try:
            plan = json.loads(text)
            faults = tuple(Fault(When(**fault["when"]), _action_in(fault["do"])) for fault in plan["faults"])
            return cls(faults, plan.get("seed", 0))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is no fault plan: {error}") from error


def _spare(data: When | Action) -> dict[str, object]:
    kept = {field.name: getattr(data, field.name) for field in fields(data)}
    return {f.name: kept[f.name] for f in fields(data) if f.default is MISSING or kept[f.name] != f.default}


def _action_out(action: Action) -> dict[str, object]:
    until = getattr(action, "until", None)
    return {"action": action.name, **_spare(action), **({"until": _spare(until)} if until else {})}


def _action_in(data: dict) -> Action:
    parameters = dict(data)
    action = ACTIONS[parameters.pop("action")]
    if parameters.get("until"):
        parameters["until"] = When(**parameters["until"])
    return action(**parameters)
