"""A lesson's page as a play: which terminal types what, and what it shows in answer.

Played are the fenced blocks marked `console`. A block belongs to the terminal named in bold in the line
before it (`**Terminal 2**`), else to Terminal 1. In a block, a line that begins with

- `$ ` is a command, typed when the terminal's earlier command has ended;
- `^C` is Ctrl-C, typed at that moment (terminals show it at the head of the program's next line);
- anything else is what the terminal shows. A block that begins so goes on with a program still running.

What a program asks is answered with the rest of the line on the page: `Your guess: 3`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

FENCE = "```"
TERMINAL_NAME = re.compile(r"\*\*Terminal (\d+)\*\*")
PROMPT = "$ "
INTERRUPT = "^C"
FOLD = re.compile(r"<details><summary>(?P<summary>.*)</summary>\n(?:.*\n)*?</details>")


@dataclass(frozen=True)
class Step:
    """One thing typed (`command`, or Ctrl-C, or nothing), and the lines that the terminal then shows.

    `start` is the index in the page's lines of the first of `shown`.
    """

    terminal: int
    command: str | None
    interrupt: bool
    start: int
    shown: tuple[str, ...]


def steps_of(text: str) -> list[Step]:
    """The steps of a page, in its order."""
    steps: list[Step] = []
    lines = text.splitlines()
    terminal, inside = 1, None
    for index, line in enumerate(lines):
        if line.startswith(FENCE):
            if inside is not None:
                steps += _steps_in_block(lines[inside:index], inside, terminal)
                inside, terminal = None, 1
            elif line.removeprefix(FENCE).strip() == "console":
                inside = index + 1
            continue
        if inside is None and line.strip():
            name = TERMINAL_NAME.search(line)
            terminal = int(name[1]) if name else 1
    return steps


def _steps_in_block(block: Sequence[str], offset: int, terminal: int) -> list[Step]:
    heads = [i for i, line in enumerate(block) if line.startswith((PROMPT, INTERRUPT))]
    if not heads or heads[0] != 0:
        heads.insert(0, 0)
    ends = [*heads[1:], len(block)]
    return [_step(block[head:end], offset + head, terminal) for head, end in zip(heads, ends, strict=True)]


def _step(lines: Sequence[str], start: int, terminal: int) -> Step:
    if lines and lines[0].startswith(PROMPT):
        return Step(terminal, lines[0].removeprefix(PROMPT), False, start + 1, tuple(lines[1:]))
    interrupt = bool(lines) and lines[0].startswith(INTERRUPT)
    return Step(terminal, None, interrupt, start, tuple(lines))


def folded(text: str) -> str:
    """The page with each `<details>` as its summary alone, as a browser shows it before it is opened."""
    return FOLD.sub(lambda fold: f"▸ {fold['summary']}".replace("<code>", "`").replace("</code>", "`"), text)


class Shown(Protocol):
    """A part of a page that is recorded: its lines, and the index of the first of them."""

    start: int
    shown: tuple[str, ...]


def rewritten(text: str, recorded: Sequence[tuple[Shown, Sequence[str]]]) -> str:
    """The page with what each of these parts shows replaced by what was recorded."""
    lines = text.splitlines()
    for part, shown in sorted(recorded, key=lambda each: each[0].start, reverse=True):
        lines[part.start : part.start + len(part.shown)] = shown
    return "\n".join(lines) + "\n"
