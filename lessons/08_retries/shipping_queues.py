"""The queues of the shipping service in exercise 08."""

from pika.adapters.blocking_connection import BlockingChannel

ORDERS = "lesson08.shipping"
PARKED = "lesson08.shipping.parked"
WAITS_MS = [200, 400, 800]  # after the first failure, the second, the third


def wait_queue(milliseconds: int) -> str:
    """The queue in which an order waits so long, before it is in ORDERS again."""
    return f"lesson08.shipping.wait.{milliseconds}"


def declare(channel: BlockingChannel) -> None:
    """Create all queues where they are not there yet."""
    for queue in (ORDERS, PARKED):
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "classic"})
    back = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": ORDERS}
    for wait in WAITS_MS:
        arguments = {"x-queue-type": "classic", "x-message-ttl": wait, **back}
        channel.queue_declare(wait_queue(wait), durable=True, arguments=arguments)
