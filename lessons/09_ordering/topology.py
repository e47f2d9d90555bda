"""Three ways to share events: one queue for all, one that serves a single consumer, one for each key."""

from zlib import crc32

from pika.adapters.blocking_connection import BlockingChannel

SHARED = "lesson09.shared"
SINGLE = "lesson09.single"
BY_KEY = [f"lesson09.key.{number}" for number in range(4)]
DEAD = "lesson09.dead"
QUEUES = {queue.removeprefix("lesson09."): queue for queue in (SHARED, SINGLE, *BY_KEY)}

# Of all consumers of such a queue one gets messages, the first; the others wait until it is gone.
ONE_AT_A_TIME = {"x-single-active-consumer": True}


def queue_for(subject: str) -> str:
    """The partition of this subject: the same in every process (Python's own hash() differs in each)."""
    return BY_KEY[crc32(subject.encode()) % len(BY_KEY)]


def declare(channel: BlockingChannel) -> None:
    """Create all queues where they are not there yet."""
    channel.queue_declare(DEAD, durable=True, arguments={"x-queue-type": "classic"})
    declare_one(channel, SHARED, {})
    for queue in (SINGLE, *BY_KEY):
        declare_one(channel, queue, ONE_AT_A_TIME)


def declare_one(channel: BlockingChannel, queue: str, arguments: dict) -> None:
    """A queue whose rejected messages become dead letters (lesson 07)."""
    dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}
    arguments = {"x-queue-type": "classic", **dead, **arguments}
    channel.queue_declare(queue, durable=True, arguments=arguments)
