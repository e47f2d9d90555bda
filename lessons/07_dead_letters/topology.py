"""Two queues of orders, and the one queue where messages go that nobody could handle."""

from pika.adapters.blocking_connection import BlockingChannel

PACKING = "lesson07.packing"
QUORUM = "lesson07.packing.quorum"
DEAD = "lesson07.dead"
MAX_REDELIVERIES = 3

# What is rejected is published again by the broker: to this exchange (the default one) with this key.
DEAD_LETTERS = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}
AT_LEAST_ONCE = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}


def declare(channel: BlockingChannel) -> None:
    """Create the three queues where they are not there yet."""
    # Classic: what a look inside gives back returns to its place, however often one looks.
    channel.queue_declare(DEAD, durable=True, arguments={"x-queue-type": "classic"})
    channel.queue_declare(PACKING, durable=True, arguments={"x-queue-type": "classic", **DEAD_LETTERS})
    limited = {"x-queue-type": "quorum", "x-delivery-limit": MAX_REDELIVERIES}
    channel.queue_declare(QUORUM, durable=True, arguments={**limited, **DEAD_LETTERS, **AT_LEAST_ONCE})
