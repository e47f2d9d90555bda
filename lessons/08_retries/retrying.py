"""What to do with an order that failed: four answers, all of them safe, not all of them wise."""

import random
from collections.abc import Callable

import click
import pika
from pika import exceptions as amqp
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic
from topology import FIXED_MS, LEVELS_MS, PARKED, wait_queue

PARKED_IT = "parked"
TRIES = "tries"  # our own note: what the broker notes in x-death, newer brokers forget when we publish
Delivery = tuple[Basic.Deliver, pika.BasicProperties, bytes]
Answer = Callable[[BlockingChannel, Delivery], str]


def tries_so_far(properties: pika.BasicProperties) -> int:
    """How often this order has failed before."""
    tries = (properties.headers or {}).get(TRIES)
    return max(tries, 0) if isinstance(tries, int) else 0


def move(channel: BlockingChannel, delivery: Delivery, queue: str, tries: int) -> None:
    """Publish the order there, with so many tries behind it, and acknowledge it here when it is safe."""
    method, properties, body = delivery
    ours = {key: value for key, value in (properties.headers or {}).items() if not key.startswith("x-")}
    changed = {"delivery_mode": 2, "headers": {**ours, TRIES: tries}}
    moved = pika.BasicProperties(**{**vars(properties), **changed})
    try:
        channel.basic_publish("", queue, body, moved, mandatory=True)
    except (amqp.UnroutableError, amqp.NackError) as error:
        raise click.ClickException(
            f"{queue} takes no orders, so this one stays where it was; run this again to create it."
        ) from error
    # Killed between these two lines, it is here and there: tried twice, but not lost (lesson 06).
    channel.basic_ack(method.delivery_tag)


def requeue(channel: BlockingChannel, delivery: Delivery) -> str:
    """At once again."""
    channel.basic_reject(delivery[0].delivery_tag, requeue=True)
    return "again at once"


def fixed(channel: BlockingChannel, delivery: Delivery) -> str:
    """Again after a second, as often as it takes."""
    move(channel, delivery, wait_queue(FIXED_MS), tries_so_far(delivery[1]) + 1)
    return f"again in {FIXED_MS} ms"


def levels(channel: BlockingChannel, delivery: Delivery) -> str:
    """Again after a pause that grows; after the last one, parked for somebody to look at."""
    tries = tries_so_far(delivery[1])
    if tries >= len(LEVELS_MS):
        return park(channel, delivery)
    # By chance: those that failed together do not all come back together.
    milliseconds = random.choice(LEVELS_MS[tries])
    move(channel, delivery, wait_queue(milliseconds), tries + 1)
    return f"again in {milliseconds} ms"


def park(channel: BlockingChannel, delivery: Delivery) -> str:
    """Not again."""
    move(channel, delivery, PARKED, tries_so_far(delivery[1]) + 1)
    return PARKED_IT


ANSWERS: dict[str, Answer] = {"requeue": requeue, "park": park, "fixed": fixed, "levels": levels}
