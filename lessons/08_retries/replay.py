"""Send parked orders back to be booked, as if they had never been tried."""

from collections.abc import Iterator

import click
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel
from retrying import move
from topology import BOOKING, PARKED, declare


def replayed(channel: BlockingChannel) -> Iterator[str]:
    """Send back what is parked now; each is named when it is gone from here."""
    # Bounded: what fails again comes in at the end while we read.
    for _ in range(channel.queue_declare(PARKED, passive=True).method.message_count):
        method, properties, body = channel.basic_get(PARKED)
        if method:
            # With the tries that it has, it would be parked again when it first fails.
            move(channel, (method, properties, body), BOOKING, tries=0)
            yield properties.message_id or repr(body[:20])


@click.command()
def main() -> None:
    """Send all parked orders back.

    Example: python replay.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            channel.confirm_delivery()
            for name in replayed(channel):
                click.echo(f"{name} goes back")
    except KeyboardInterrupt:
        click.echo("stopped; what does not go back is still parked", err=True)


if __name__ == "__main__":
    main()
