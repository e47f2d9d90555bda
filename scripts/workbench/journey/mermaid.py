"""Steps as a Mermaid `sequenceDiagram`, which GitHub draws."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from workbench.journey.model import Participant, Step

INDENT = "  "
PLAIN = set(" _-.,/+()'")
# A dashed line is a word about a message, not the message itself; one with a cross has not arrived.
ARROWS = {(False, True): "->>", (True, True): "-->>", (False, False): "-x", (True, False): "--x"}
DASHED = {"confirm", "confirm-nack", "ack", "nack", "reject"}


def mermaid(steps: Iterable[Step]) -> list[str]:
    """The lines of the diagram; one of no steps says that nothing passed."""
    steps = list(steps)
    keys: dict[Participant, str] = {}
    lines = [line for step in steps for line in _lines(step, keys)]
    who = [f"{INDENT}participant {key} as {escaped(one.name)}" for one, key in keys.items()]
    return ["sequenceDiagram", *(who or [f"{INDENT}participant p1 as nothing passed"]), *lines]


def _lines(step: Step, keys: dict[Participant, str]) -> Iterator[str]:
    source = _key(step.source, keys)
    if step.target is None:
        yield f"{INDENT}Note over {source}: {escaped(step.remark)}"
        return
    target = _key(step.target, keys)
    arrow = ARROWS[step.kind in DASHED, step.passed]
    yield f"{INDENT}{source}{arrow}{target}: {escaped(step.message)}"


def _key(participant: Participant, keys: dict[Participant, str]) -> str:
    return keys.setdefault(participant, f"p{len(keys) + 1}")


def escaped(text: str) -> str:
    """The text with all that Mermaid or HTML might read as more than text as numbered entities.

    `end` alone is a word of Mermaid's own.
    """
    if text.strip().lower() == "end":
        return "".join(f"#{ord(letter)};" for letter in text)
    return "".join(letter if letter.isalnum() or letter in PLAIN else f"#{ord(letter)};" for letter in text)
