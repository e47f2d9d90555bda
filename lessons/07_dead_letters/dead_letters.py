"""Read dead letters where they lie: who rejected what, how often, when, and what was sent back since."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

import pika
from messages import name_of
from pika.adapters.blocking_connection import BlockingChannel
from topology import DEAD

REPLAYED = "replayed"


# What the broker notes of a death. Anybody can publish headers that only look like it.
NOTED = {"queue": str, "reason": str, "count": int, "time": datetime}


def is_death(note: object) -> bool:
    """Whether this is such a note."""
    return isinstance(note, dict) and all(isinstance(note.get(key), kind) for key, kind in NOTED.items())


@dataclass(frozen=True)
class DeadLetter:
    """A message that we hold until it is acknowledged, given back, or our connection ends."""

    tag: int
    properties: pika.BasicProperties
    body: bytes

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        return name_of(self.properties, self.body)

    @property
    def death(self) -> dict:
        """Its last death, as the broker noted it; empty where somebody published it here."""
        notes = self._headers.get("x-death")
        return next(filter(is_death, notes if isinstance(notes, list) else []), {})

    @property
    def times_replayed(self) -> int:
        """How often it was sent back from here: our own note, newer brokers forget theirs."""
        count = self._headers.get(REPLAYED)
        return count if isinstance(count, int) else 0

    @property
    def _headers(self) -> dict:
        return self.properties.headers or {}

    def age_seconds(self) -> float:
        """Seconds since it died, by the broker's clock and ours."""
        died = self.death["time"].replace(tzinfo=timezone.utc)
        return max(0.0, (datetime.now(timezone.utc) - died).total_seconds())

    def as_new(self) -> pika.BasicProperties:
        """Its properties without the broker's notes (`x-...`), which would be taken for the next death's."""
        kept = {key: value for key, value in self._headers.items() if not key.startswith("x-")}
        return pika.BasicProperties(
            **{**vars(self.properties), "headers": {**kept, REPLAYED: self.times_replayed + 1}}
        )


def held(channel: BlockingChannel, most: int | None = None) -> Iterator[DeadLetter]:
    """Hold one dead letter after the other, the oldest first, `most` of them or all that are there now.

    Bounded: what is sent back and fails again comes in at the end while we read.
    """
    there = channel.queue_declare(DEAD, passive=True).method.message_count
    for _ in range(there if most is None else min(there, most)):
        method, properties, body = channel.basic_get(DEAD)
        if method:
            yield DeadLetter(method.delivery_tag, properties, body)


def give_back(channel: BlockingChannel) -> None:
    """Put all that we still hold back in its place, and return when it is there."""
    channel.basic_nack(0, multiple=True, requeue=True)  # 0: whatever is not settled
    channel.queue_declare(DEAD, passive=True)
