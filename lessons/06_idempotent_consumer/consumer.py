"""Charge for each order once, whatever comes: choose one of six ways, and kill it where it hurts."""

import json
import sqlite3
from contextlib import closing

import click
from billing import WAYS, Billing
from charges import LEDGER, NoAnswer, charging, open_ledger
from connection import connect
from power import MOMENTS, PowerCut
from topology import BILLING, declare


def event_in(body: bytes) -> dict:
    """Read a message. One that is no order stops us, and stays in the queue: lesson 07 does better."""
    try:
        event = json.loads(body)
        order = {key: event["data"][key] for key in ("order_id", "amount_cents")}
        return {"id": event["id"], "data": order}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise click.ClickException(
            f"The next message in {BILLING} is not an order ({body[:40]!r}); empty the queue, in the"
            " project's folder: python3 scripts/broker.py reset --lesson 06"
        ) from error


@click.command()
@click.option(
    "--way", type=click.Choice(list(WAYS)), default="naive", show_default=True, help="How to charge."
)
@click.option("--card", is_flag=True, help="Charge a card at the gateway, not an account in our own books.")
@click.option(
    "--die-at", type=(click.Choice(list(MOMENTS)), str), metavar="MOMENT ORDER",
    help="Kill this process when it comes to that order: charging, charged, acknowledging.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), help="Stop after this many events.  [default: never]")
def main(way: str, card: bool, die_at: tuple[str, str] | None, limit: int | None) -> None:
    """Charge for orders; with an idempotency key always at the gateway.

    Example: python consumer.py --way transaction --die-at charged A-0001
    """
    power = PowerCut(*(die_at or ()))
    with_key = way == "key"
    try:
        with connect() as connection, closing(open_ledger()) as ledger:
            charge = charging(ledger, card or with_key, with_key)
            billing = Billing(ledger, power.around(charge))
            channel = connection.channel()
            declare(channel, BILLING)
            channel.basic_qos(prefetch_count=1)
            click.echo("waiting for orders; Ctrl-C to stop", err=True)
            for number, (method, _properties, body) in enumerate(channel.consume(BILLING), 1):
                event = event_in(body)
                order_id = event["data"]["order_id"]
                click.echo(f"received {order_id}{', redelivered' if method.redelivered else ''}")
                charged = WAYS[way](billing, event)
                click.echo(f"charged {order_id}" if charged else f"skipped {order_id}: handled before")
                power.passes("acknowledging", event)
                channel.basic_ack(method.delivery_tag)
                if number == limit:
                    break
            else:
                raise click.ClickException(
                    f"Somebody deleted {BILLING}; start again with: python consumer.py"
                )
    except NoAnswer as error:
        # Was it charged? We cannot know. Not acknowledged, the event comes again, and we ask again.
        raise click.ClickException(f"Not acknowledged: {error}; start it with: python gateway.py") from error
    except sqlite3.Error as error:
        raise click.ClickException(f"Our books ({LEDGER}) cannot be written: {error}.") from error
    except KeyboardInterrupt:
        click.echo("stopped; what is not acknowledged goes back to the queue", err=True)


if __name__ == "__main__":
    main()
