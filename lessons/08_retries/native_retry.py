"""Ask this broker whether it can wait by itself: quorum queues can, from RabbitMQ 4.3 on."""

import time

import click
import pika
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel

TRIED = "lesson08.native"
DELAY_MS = 300
DELAYED = {
    "x-expires": 60_000,  # gone when nobody has used it for a minute, also if we are stopped
    "x-delayed-retry-type": "all",
    "x-delayed-retry-min": DELAY_MS,
    "x-delayed-retry-max": 10 * DELAY_MS,
}
DELIVERIES = 4


def gaps_seconds(channel: BlockingChannel) -> list[float]:
    """Send one message back each time that it comes: the seconds between its deliveries."""
    channel.queue_delete(TRIED)
    # Older brokers take arguments that they do not know, and say nothing.
    channel.queue_declare(TRIED, durable=True, arguments={"x-queue-type": "quorum", **DELAYED})
    channel.basic_publish("", TRIED, b"order", pika.BasicProperties(delivery_mode=2), mandatory=True)
    times = []
    for method, _properties, _body in channel.consume(TRIED):
        times.append(time.monotonic())
        if len(times) == DELIVERIES:
            channel.basic_ack(method.delivery_tag)
            break
        channel.basic_reject(method.delivery_tag, requeue=True)
    channel.cancel()
    channel.queue_delete(TRIED)
    return [later - earlier for earlier, later in zip(times, times[1:], strict=False)]


@click.command()
def main() -> None:
    """Measure whether this broker's quorum queues delay what is sent back.

    Example: python native_retry.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            gaps = gaps_seconds(channel)
    except KeyboardInterrupt:
        click.echo("stopped; nothing was measured", err=True)
        return
    # The broker never delivers early, so that a short gap means that it knows of no delay.
    waits = min(gaps) >= DELAY_MS / 1000
    click.echo(
        "this broker waits before it delivers again" if waits else "this broker delivers again at once"
    )
    click.echo("between deliveries: " + ", ".join(f"{gap:.1f} s" for gap in gaps), err=True)


if __name__ == "__main__":
    main()
