"""Three ways to deal with an event: as it comes, only forwards, and in its order."""

import json
import sqlite3
from collections.abc import Callable

from books import carry_out, is_logged, known, log

MAX_WAITING = 10  # events of one subject that may wait for one before them
Way = Callable[[sqlite3.Connection, dict], list[str]]


class Full(Exception):
    """An event is missing, and as many wait for it as may."""


def as_it_comes(books: sqlite3.Connection, event: dict) -> list[str]:
    """Carry out each event once (lesson 06), whichever comes first."""
    if is_logged(books, event):
        return [f"{event['id']} was here before"]
    return [carry_out(books, event)]


def guard(books: sqlite3.Connection, event: dict) -> list[str]:
    """Never go back: an event that is older than what the books know is dropped."""
    if is_logged(books, event):
        return [f"{event['id']} was here before"]
    _state, newest = known(books, event["subject"])
    if event["sequence"] <= newest:
        log(books, event, carried_out=False)
        return [f"{event['id']} dropped: {newest} was here before"]
    return [carry_out(books, event)]


def buffer(books: sqlite3.Connection, event: dict) -> list[str]:
    """Carry out events in their order: one that comes early waits for those before it.

    Raises Full where too many wait already.
    """
    subject, sequence = event["subject"], event["sequence"]
    _state, newest = known(books, subject)
    if sequence <= newest or is_logged(books, event):
        return [f"{event['id']} was here before"]
    if sequence > newest + 1:
        wait(books, event)
        return [f"{event['id']} waits for {newest + 1}"]
    return [carry_out(books, each) for each in [event, *no_longer_waiting(books, event)]]


def wait(books: sqlite3.Connection, event: dict) -> None:
    """Put an early event aside, on disk: it may be acknowledged then. One that waits already stays there."""
    place = (event["subject"], event["sequence"])
    others = books.execute("SELECT count(*) FROM waiting WHERE subject = ? AND sequence <> ?", place)
    if others.fetchone()[0] >= MAX_WAITING:
        raise Full(f"{MAX_WAITING} events of {event['subject']} wait for one that is missing")
    books.execute("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?)", (*place, json.dumps(event)))


def no_longer_waiting(books: sqlite3.Connection, event: dict) -> list[dict]:
    """Take those that waited for this event, up to the next gap."""
    rows = books.execute(
        "SELECT sequence, event FROM waiting WHERE subject = ? ORDER BY sequence", (event["subject"],)
    ).fetchall()
    # Counted on from this event: as soon as one is missing, no later one is at its place any more.
    freed = [
        json.loads(text)
        for place, (sequence, text) in enumerate(rows, event["sequence"] + 1)
        if sequence == place
    ]
    taken = (event["subject"], event["sequence"] + len(freed))
    books.execute("DELETE FROM waiting WHERE subject = ? AND sequence <= ?", taken)
    return freed


WAYS: dict[str, Way] = {
    "as-it-comes": as_it_comes,
    "guard": guard,
    "buffer": buffer,
}
