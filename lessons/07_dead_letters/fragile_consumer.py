"""Pack the orders that wait, and die of one that cannot be packed, before it could be rejected."""

import os
import signal

import click
from connection import connect
from packing import CannotPack, order_in, pack
from topology import PACKING, QUORUM, declare


def pack_or_die(body: bytes) -> str:
    """Pack, as a program does whose bug is deadly: one that eats all memory is killed like this."""
    try:
        return pack(order_in(body))
    except CannotPack:
        os.kill(os.getpid(), signal.SIGKILL)
        raise  # not reached


@click.command()
@click.option("--quorum", is_flag=True, help="Pack from the quorum queue.")
def main(quorum: bool) -> None:
    """Pack what waits, then stop; or be killed.

    Example: python fragile_consumer.py --quorum
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            queue = QUORUM if quorum else PACKING
            method, _properties, body = channel.basic_get(queue)
            while method:
                click.echo(pack_or_die(body))
                channel.basic_ack(method.delivery_tag)
                method, _properties, body = channel.basic_get(queue)
            click.echo("the queue is empty", err=True)
    except KeyboardInterrupt:
        click.echo("stopped; what is not acknowledged goes back to the queue", err=True)


if __name__ == "__main__":
    main()
