"""Keep the books by the events of one queue, alone or beside other consumers."""

import random
import sqlite3
from contextlib import closing

import click
from books import LEDGER, NO_EVENT, event_in, open_books, transaction
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel
from topology import QUEUES, declare
from ways import WAYS, Full


def deal_with(channel: BlockingChannel, books: sqlite3.Connection, delivery: tuple, way: str) -> list[str]:
    """Carry out the event in one transaction and acknowledge it; what was done, line by line."""
    method, _properties, body = delivery
    try:
        event = event_in(body)
        with transaction(books):
            done = WAYS[way](books, event)
    except (*NO_EVENT, Full) as error:
        # To the dead letters (lesson 07): no other try would end better.
        channel.basic_reject(method.delivery_tag, requeue=False)
        return [f"{body[:30]!r} rejected: {error}"]
    channel.basic_ack(method.delivery_tag)
    return done


@click.command(context_settings={"show_default": True})
@click.option("--name", default="consumer", help="What it calls itself.")
@click.option("--queue", type=click.Choice([*QUEUES]), default="shared", help="Where its events come from.")
@click.option("--way", type=click.Choice([*WAYS]), default="as-it-comes", help="What it does with each.")
@click.option("--ms", type=click.IntRange(min=0), default=5, help="Work for each event, about.")
@click.option("--prefetch", type=click.IntRange(1, 65535), default=1, help="How many it may hold.")
@click.option("--fail", type=click.FloatRange(0, 1), default=0, help="Requeue this share of them, once each.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after this many.  [default: never]")
@click.option("--leave-at", type=click.IntRange(min=1), help="Close the connection while it holds this one.")
def main(
    name: str, queue: str, way: str, ms: int, prefetch: int, fail: float,
    limit: int | None, leave_at: int | None,
) -> None:  # fmt: skip
    """Carry out the events of a queue.

    Example: python consumer.py --queue single --way buffer --limit 4
    """
    try:
        with connect() as connection, closing(open_books()) as books:
            channel = connection.channel()
            declare(channel)
            channel.basic_qos(prefetch_count=prefetch)
            click.echo(f"{name} waits for events; Ctrl-C to stop", err=True)
            for number, delivery in enumerate(channel.consume(QUEUES[queue]), 1):
                method, properties, _body = delivery
                if number == leave_at:
                    break
                click.echo(f"{name} takes {properties.message_id}")
                connection.sleep(random.uniform(0.8, 1.2) * ms / 1000)
                if not method.redelivered and random.random() < fail:
                    channel.basic_reject(method.delivery_tag, requeue=True)
                    continue
                for line in deal_with(channel, books, delivery, way):
                    click.echo(f"{name}: {line}")
                if number == limit:
                    break
            else:
                raise click.ClickException(f"Somebody deleted {QUEUES[queue]}; run this again.")
    except sqlite3.Error as error:
        raise click.ClickException(f"The books ({LEDGER}) cannot be written: {error}.") from error
    except KeyboardInterrupt:
        click.echo("stopped; what is not acknowledged goes back to the queue", err=True)


if __name__ == "__main__":
    main()
