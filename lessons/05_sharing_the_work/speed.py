"""Measure the other side: what a small prefetch costs where an order takes no time at all."""

import time
from itertools import islice
from statistics import median

import click
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel

QUEUE = "lesson05.speed"
LIMITS = [1, 10, 100]
ROUND_TRIPS = 200
TRIES = 3


def round_trip(channel: BlockingChannel) -> float:
    """Seconds from a question to the broker's answer, the middle one of many."""
    taken = []
    for _ in range(ROUND_TRIPS):
        start = time.perf_counter()
        channel.queue_declare(QUEUE, passive=True)
        taken.append(time.perf_counter() - start)
    return median(taken)


def rate(channel: BlockingChannel, prefetch: int, messages: int) -> float:
    """Messages per second that one worker takes and acknowledges, and does nothing else."""
    for _ in range(messages):
        channel.basic_publish("", QUEUE, b"")
    channel.basic_qos(prefetch_count=prefetch)
    start = time.perf_counter()
    for method, _properties, _body in islice(channel.consume(QUEUE), messages):
        channel.basic_ack(method.delivery_tag)
    seconds = time.perf_counter() - start
    channel.cancel()
    return messages / seconds


@click.command()
@click.option("--messages", type=click.IntRange(min=1), default=1000, show_default=True, help="For each try.")
def main(messages: int) -> None:
    """Print the round trip to your broker, and the best speed of one worker, by prefetch.

    Example: python speed.py --messages 1000
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            channel.queue_declare(QUEUE, exclusive=True)  # gone with our connection, however that ends
            click.echo(f"round trip    {round_trip(channel) * 1000:.2f} ms")
            for prefetch in LIMITS:
                best = max(rate(channel, prefetch, messages) for _ in range(TRIES))
                click.echo(f"prefetch {prefetch:3}  {best:,.0f}/s")
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
