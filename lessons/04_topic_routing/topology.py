"""One exchange for all that happens; each service has a queue of its own, bound with key patterns."""

from collections.abc import Sequence

from pika.adapters.blocking_connection import BlockingChannel

EXCHANGE = "lesson04.events"


def declare_exchange(channel: BlockingChannel) -> None:
    """Create the exchange where it is not there yet. This is all that a sender needs."""
    channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)


def declare_queue(channel: BlockingChannel, service: str, patterns: Sequence[str]) -> str:
    """Create the service's queue and bind it with each pattern; the queue's name.

    A binding stays when the service ends, and when it is started with other patterns.
    """
    queue = f"lesson04.{service}"
    channel.queue_declare(queue, durable=True)
    for pattern in patterns:
        channel.queue_bind(queue, EXCHANGE, routing_key=pattern)
    return queue
