"""Pack the orders that wait, and see what one that cannot be packed does to all the others."""

import time
from collections import Counter

import click
from connection import connect
from messages import name_of
from packing import CannotPack, order_in, pack
from pika.adapters.blocking_connection import BlockingChannel
from topology import PACKING, QUORUM, declare

TOLD = 4  # of a message that is tried a thousand times, the first tries are told


def pack_what_waits(channel: BlockingChannel, queue: str, requeue: bool, tries: int, mended: bool) -> Counter:
    """Pack until the queue is empty, or one order was tried so often; how often each of them failed."""
    failures = Counter()
    while tries not in failures.values():
        method, properties, body = channel.basic_get(queue)
        if not method:
            break
        try:
            click.echo(pack(order_in(body), mended))
        except CannotPack as error:
            name = name_of(properties, body)
            failures[name] += 1
            if failures[name] <= TOLD:
                click.echo(f"{name} cannot be packed ({error}): {'goes back' if requeue else 'rejected'}")
            # The one word that this lesson is about.
            channel.basic_reject(method.delivery_tag, requeue=requeue)
        else:
            channel.basic_ack(method.delivery_tag)
    return failures


@click.command()
@click.option("--requeue", is_flag=True, help="What cannot be packed goes back to the queue.")
@click.option("--tries", type=click.IntRange(min=1), default=1000, show_default=True, help="Then give up.")
@click.option("--quorum", is_flag=True, help="Pack from the quorum queue.")
@click.option("--mended", is_flag=True, help="Understand `two`, as the next release does.")
def main(requeue: bool, tries: int, quorum: bool, mended: bool) -> None:
    """Pack what waits, then stop.

    Example: python consumer.py --requeue
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            began = time.monotonic()
            failures = pack_what_waits(channel, QUORUM if quorum else PACKING, requeue, tries, mended)
            seconds = time.monotonic() - began
            for name, count in failures.items() if requeue else ():
                click.echo(f"{name}: {count} tries in {seconds:.2f} s, {count / seconds:,.0f}/s", err=True)
            if tries not in failures.values():
                click.echo("the queue is empty", err=True)
    except KeyboardInterrupt:
        click.echo("stopped; what is not acknowledged goes back to the queue", err=True)


if __name__ == "__main__":
    main()
