"""Pack orders from the queue `lesson01.orders` until Ctrl-C.

An order leaves the queue when we acknowledge it, not when we receive it.
"""

import json

import click
from connection import connect

QUEUE = "lesson01.orders"


def pack(order: dict) -> str:
    """Do the work. Nothing here knows that there is a broker."""
    return f"packed {order['order_id']} for {order['customer']}"


def order_in(body: bytes) -> dict:
    """Read a message. One that is no order stops us, and stays in the queue: lesson 07 does better."""
    try:
        order = json.loads(body)
        return {"order_id": order["order_id"], "customer": order["customer"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise click.ClickException(
            f"The next message in {QUEUE} is not an order ({body[:40]!r}); empty the queue, in the"
            " project's folder: python3 scripts/broker.py reset --lesson 01"
        ) from error


@click.command()
@click.option("--limit", type=click.IntRange(min=1), help="Stop after this many orders.  [default: never]")
def main(limit: int | None) -> None:
    """Pack orders in the order in which they were placed.

    Example: python consumer.py --limit 3
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            channel.queue_declare(QUEUE, durable=True)  # the same words as the producer's
            click.echo("waiting for orders; Ctrl-C to stop", err=True)
            for number, (method, _properties, body) in enumerate(channel.consume(QUEUE), 1):
                click.echo(pack(order_in(body)))
                channel.basic_ack(method.delivery_tag)
                if number == limit:
                    break
            else:
                raise click.ClickException(f"Somebody deleted {QUEUE}; start again with: python consumer.py")
    except KeyboardInterrupt:
        click.echo("stopped; what is not acknowledged goes back to the queue", err=True)


if __name__ == "__main__":
    main()
