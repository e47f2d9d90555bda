"""Which exercises are done: a file in the project's root that git ignores."""

import json
from datetime import datetime, timezone

import click

from workbench.lessons import ROOT

FILE = ROOT / ".progress.json"


def done() -> dict[str, str]:
    """The numbers of the lessons whose exercise was judged good, and when it first was."""
    return read() or {}


def read() -> dict[str, str] | None:
    """What is in the file; None where it is not there, or not what was written there."""
    try:
        noted = json.loads(FILE.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return noted if isinstance(noted, dict) else None


def note(number: str, kept: bool) -> None:
    """Remember that this lesson's exercise is done, and stays so; tell where that cannot be noted."""
    if not kept or number in done():
        return
    try:
        write(done() | {number: datetime.now(timezone.utc).isoformat(timespec="seconds")})
    except OSError as error:
        click.echo(
            f"not noted that lesson {number} is done, as {FILE} cannot be written ({error.strerror}): "
            "see to its owner and rights",
            err=True,
        )


def write(noted: dict[str, str]) -> None:
    """Write the file; one that is there and cannot be read is kept beside it."""
    if FILE.exists() and read() is None:
        FILE.rename(FILE.with_suffix(".unreadable"))
    FILE.write_text(json.dumps(noted, indent=2) + "\n", encoding="utf-8")
