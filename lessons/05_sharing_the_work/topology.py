"""One queue for one service, however many workers take from it."""

from pika.adapters.blocking_connection import BlockingChannel

EXCHANGE = "lesson05.events"
KEY = "order.created"
QUEUE = "lesson05.packing"


def declare(channel: BlockingChannel, queue: str = QUEUE) -> None:
    """Create the exchange, a service's queue and its binding where they are not there yet."""
    channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
    channel.queue_declare(queue, durable=True)
    channel.queue_bind(queue, EXCHANGE, routing_key=KEY)
