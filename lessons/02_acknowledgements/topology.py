"""The one queue of this lesson, declared by both ends in the same words."""

from pika.adapters.blocking_connection import BlockingChannel

QUEUE = "lesson02.orders"


def declare(channel: BlockingChannel) -> None:
    """Create the queue if it is not there yet."""
    channel.queue_declare(QUEUE, durable=True)
