"""A queue of orders, queues in which they wait before the next try, and one where they are parked."""

from pika.adapters.blocking_connection import BlockingChannel

BOOKING = "lesson08.booking"
PARKED = "lesson08.parked"
FIXED_MS = 1000
# Each level waits about twice as long as the one before; of its two queues one is taken by chance.
LEVELS_MS = [(200, 300), (400, 600), (800, 1200), (1600, 2400)]


def wait_queue(milliseconds: int) -> str:
    """The queue in which an order waits so long."""
    return f"lesson08.wait.{milliseconds}"


def declare(channel: BlockingChannel) -> None:
    """Create all queues where they are not there yet."""
    for queue in (BOOKING, PARKED):
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "classic"})
    for milliseconds in (FIXED_MS, *(wait for level in LEVELS_MS for wait in level)):
        declare_wait(channel, milliseconds)


def declare_wait(channel: BlockingChannel, milliseconds: int) -> None:
    """A queue without a consumer: what has waited so long dies there, and its dead letter goes back."""
    back = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": BOOKING}
    arguments = {"x-queue-type": "classic", "x-message-ttl": milliseconds, **back}
    channel.queue_declare(wait_queue(milliseconds), durable=True, arguments=arguments)
