"""What a wrong answer is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wrong:
    """A wrong answer to the exercise of `lesson`: the solution with `old` replaced by `new`, pair by pair.

    `breaks` is the promise that it must be rejected for; it may break others too.
    """

    lesson: str
    name: str
    breaks: str
    changes: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """Its name in a test's id."""
        return f"{self.lesson}-{self.name}".replace(" ", "_")

    def program(self, solution: str) -> str:
        """The wrong program. Raises ValueError where the solution has become another one."""
        for old, new in self.changes:
            if old not in solution:
                raise ValueError(f"{self}: the solution has no {old!r} any more")
            solution = solution.replace(old, new)
        return solution
