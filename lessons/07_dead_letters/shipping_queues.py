"""The queue of the shipping service in exercise 07, and the one for its dead letters."""

from pika.adapters.blocking_connection import BlockingChannel

ORDERS = "lesson07.shipping"
DEAD = "lesson07.shipping.dead"


def declare(channel: BlockingChannel) -> None:
    """Create both queues where they are not there yet."""
    channel.queue_declare(DEAD, durable=True, arguments={"x-queue-type": "classic"})
    dead_letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}
    channel.queue_declare(ORDERS, durable=True, arguments={"x-queue-type": "classic", **dead_letters})
