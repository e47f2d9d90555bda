"""Pack the orders that wait in `lesson03.packing`, then stop: what was placed and is not here is lost."""

import json

import click
from connection import connect
from topology import QUEUE, declare


def order_in(body: bytes) -> str:
    """Read a message. One that is no order stops us, and stays in the queue: lesson 07 does better."""
    try:
        return json.loads(body)["order_id"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise click.ClickException(
            f"The next message in {QUEUE} is not an order ({body[:40]!r}); empty the queue, in the"
            " project's folder: python3 scripts/broker.py reset --lesson 03"
        ) from error


@click.command()
def main() -> None:
    """Pack what there is.

    Example: python consumer.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            method, _properties, body = channel.basic_get(QUEUE)
            while method:
                click.echo(f"packed {order_in(body)}")
                channel.basic_ack(method.delivery_tag)
                method, _properties, body = channel.basic_get(QUEUE)
            click.echo("the queue is empty", err=True)
    except KeyboardInterrupt:
        click.echo("stopped; what is not acknowledged goes back to the queue", err=True)


if __name__ == "__main__":
    main()
