"""Let two orders wait in one queue, each with a time of its own, and see which comes back when."""

import time

import click
import pika
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel

WAIT = "lesson08.wait.mixed"
BACK = "lesson08.back"
EXPIRATIONS_MS = [2000, 200]
MAX_SECONDS = 10


def declare_mixed(channel: BlockingChannel) -> None:
    """A queue to wait in that has no time of its own; it and what it leads to go with our connection."""
    channel.queue_declare(BACK, exclusive=True)
    back = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": BACK}
    channel.queue_declare(WAIT, exclusive=True, arguments=back)


@click.command()
def main() -> None:
    """Show that a time to live of the message waits for the message before it.

    Example: python head_of_line.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare_mixed(channel)
            began = time.monotonic()
            for expiration in EXPIRATIONS_MS:
                properties = pika.BasicProperties(expiration=str(expiration))
                channel.basic_publish("", WAIT, str(expiration).encode(), properties)
                click.echo(f"waits for {expiration} ms")
            for _number in EXPIRATIONS_MS:
                _method, _properties, body = next(channel.consume(BACK, auto_ack=True))
                seconds = time.monotonic() - began
                late = seconds > 2 * int(body) / 1000
                click.echo(f"that of {body.decode()} ms is back{', late:' if late else ':'} {seconds:.1f} s")
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
