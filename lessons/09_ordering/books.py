"""The books: what is true of each subject now, and which events made it so."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

LEDGER = os.environ.get("LEDGER", "books.sqlite")
WAIT_SECONDS = 30
NO_EVENT = (ValueError, KeyError, TypeError, OverflowError, RecursionError)
SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS subjects (subject TEXT PRIMARY KEY, state, sequence INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS log (event_id TEXT PRIMARY KEY, carried_out INTEGER, state, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS waiting
  (subject TEXT, sequence INTEGER, event TEXT, PRIMARY KEY (subject, sequence));
"""
KEEP = """
INSERT INTO subjects VALUES (:subject, :state, :sequence)
ON CONFLICT (subject) DO UPDATE SET state = :state, sequence = :sequence
"""


def event_in(body: bytes) -> dict:
    """Read a message. Raises one of NO_EVENT where it is no event."""
    event = json.loads(body)
    words = {key: str(event[key]) for key in ("id", "type", "subject")}
    "".join(words.values()).encode()  # half a character could be read, but neither stored nor printed
    return {**words, "sequence": int(event["sequence"]), "data": dict(event["data"])}


def open_books(path: str = LEDGER) -> sqlite3.Connection:
    """Open them. Each statement is a transaction of its own, except in `with transaction(books)`."""
    books = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
    books.executescript(SCHEMA)
    books.execute("PRAGMA synchronous = NORMAL")  # a commit outlives the process, but perhaps no power cut
    return books


@contextmanager
def transaction(books: sqlite3.Connection) -> Iterator[None]:
    """What is written in this block is written together at its end, or none of it ever is."""
    with books:
        books.execute("BEGIN IMMEDIATE")  # whoever comes second waits here, before it has looked
        yield


def known(books: sqlite3.Connection, subject: str) -> tuple[int | str, int]:
    """The state of a subject, and the sequence number of the event that made it so."""
    row = books.execute("SELECT state, sequence FROM subjects WHERE subject = ?", (subject,)).fetchone()
    return row or (0, 0)


def state_after(event: dict, state: int | str) -> int | str:
    """Some pieces of an item are left: an event adds to them. A trip is what its last event says."""
    change = event["data"].get("change")
    return event["type"] if change is None else state + change


def carry_out(books: sqlite3.Connection, event: dict) -> str:
    """Change the books as the event says; what it did, in words."""
    state = state_after(event, known(books, event["subject"])[0])
    books.execute(KEEP, {"subject": event["subject"], "state": state, "sequence": event["sequence"]})
    log(books, event, True, state)
    return in_words(event, state)


def log(books: sqlite3.Connection, event: dict, carried_out: bool, state: int | str | None = None) -> None:
    """Remember the event, and what became of it."""
    books.execute("INSERT INTO log VALUES (?, ?, ?, ?)", (event["id"], carried_out, state, time.time()))


def is_logged(books: sqlite3.Connection, event: dict) -> bool:
    """Whether this very event was here before (lesson 06)."""
    return bool(books.execute("SELECT 1 FROM log WHERE event_id = ?", (event["id"],)).fetchone())


def in_words(event: dict, state: int | str) -> str:
    """What an event did, for people."""
    _noun, _dot, verb = event["type"].partition(".")
    left = f", {state} left" if isinstance(state, int) else ""
    return f"{event['id']} {verb}{left}"
