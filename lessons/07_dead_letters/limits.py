"""Ask this broker how often its quorum queues deliver a message that always comes back."""

from collections.abc import Callable

import click
import pika
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel

TRIED = "lesson07.limits"
FOR_EVER = 50  # so many deliveries, and we call it for ever
SOON_GONE = {"x-expires": 60_000}  # when nobody has used it for a minute, also if we are stopped
NO_LIMIT, LIMIT_3, MINUS_1 = {}, {"x-delivery-limit": 3}, {"x-delivery-limit": -1}


def with_reject(channel: BlockingChannel, tag: int) -> None:
    """Send a message back as a consumer does that cannot handle it."""
    channel.basic_reject(tag, requeue=True)


def with_nack(channel: BlockingChannel, tag: int) -> None:
    """Send it back with the newer method, which newer brokers do not count."""
    channel.basic_nack(tag, requeue=True)


def filled(channel: BlockingChannel, limit: dict, *bodies: bytes) -> None:
    """A fresh quorum queue with these messages."""
    channel.queue_delete(TRIED)
    channel.queue_declare(TRIED, durable=True, arguments={"x-queue-type": "quorum", **SOON_GONE, **limit})
    for body in bodies:
        channel.basic_publish("", TRIED, body, pika.BasicProperties(delivery_mode=2), mandatory=True)


def deliveries(channel: BlockingChannel, limit: dict, send_back: Callable) -> str:
    """How often one message is delivered before the queue lets go of it."""
    filled(channel, limit, b"poison")
    for count in range(FOR_EVER):
        method, _properties, _body = channel.basic_get(TRIED)
        if not method:
            return str(count)
        send_back(channel, method.delivery_tag)
    return "for ever"


def place(channel: BlockingChannel, limit: dict) -> str:
    """Where a message stands that was sent back, with another one behind it."""
    filled(channel, limit, b"poison", b"good")
    with_reject(channel, channel.basic_get(TRIED)[0].delivery_tag)
    return "first" if channel.basic_get(TRIED)[2] == b"poison" else "last"


def measured(channel: BlockingChannel) -> dict[str, str]:
    """Each question with this broker's answer."""
    return {
        "tries, no limit set, reject": deliveries(channel, NO_LIMIT, with_reject),
        "tries, no limit set, nack": deliveries(channel, NO_LIMIT, with_nack),
        "tries, limit 3, reject": deliveries(channel, LIMIT_3, with_reject),
        "tries, limit 3, nack": deliveries(channel, LIMIT_3, with_nack),
        "tries, limit -1, reject": deliveries(channel, MINUS_1, with_reject),
        "its place, no limit set, reject": place(channel, NO_LIMIT),
        "its place, limit 3, reject": place(channel, LIMIT_3),
    }


@click.command()
def main() -> None:
    """Measure what this broker's quorum queues do with a message that always comes back.

    Example: python limits.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            answers = measured(channel)
            channel.queue_delete(TRIED)
    except KeyboardInterrupt:
        click.echo("stopped; nothing was measured", err=True)
        return
    for question, answer in answers.items():
        click.echo(f"{question:<34}{answer}")


if __name__ == "__main__":
    main()
