"""A prop: a network that fails once. It stands between a program and the broker, and loses what passes.

When so many orders have passed it goes silent in one direction: what is sent there vanishes, and nobody is
told. Half a second later it drops the connection. The program's next connection is left alone.
"""

import math
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from os import environ
from urllib.parse import quote

import click
from connection import broker_address, connect

SILENT_SECONDS = 0.5
PROTOCOL_HEADER_BYTES = 8
FRAME_HEADER = struct.Struct(">BHL")  # type, channel, length of the payload, which one byte more follows
BASIC_PUBLISH = struct.pack(">HH", 60, 40)


def frames(program: socket.socket) -> Iterator[bytes]:
    """What a program sends: the protocol's name, then AMQP frames."""
    with program.makefile("rb") as data:
        yield data.read(PROTOCOL_HEADER_BYTES)
        while header := data.read(FRAME_HEADER.size):
            _type, _channel, length = FRAME_HEADER.unpack(header)
            yield header + data.read(length + 1)


class Line:
    """One connection of a program to the broker, which fails after so many orders."""

    def __init__(self, program: socket.socket, after: float, lose: str) -> None:
        self.program, self.broker = program, connect_to_broker()
        self.after, self.lose = after, lose
        self.silent = threading.Event()
        for carry in (self.carry_orders, self.carry_answers):
            threading.Thread(target=carry, daemon=True).start()

    def carry_orders(self) -> None:
        """From the program to the broker."""
        published = 0
        with suppress(OSError):  # dropped meanwhile
            for frame in frames(self.program):
                published += frame.startswith(BASIC_PUBLISH, FRAME_HEADER.size)
                if published > self.after and not self.silent.is_set():
                    self.fail()
                if not (self.silent.is_set() and self.lose == "orders"):
                    self.broker.sendall(frame)
        self.drop()

    def carry_answers(self) -> None:
        """From the broker to the program."""
        with suppress(OSError):  # dropped meanwhile
            while data := self.broker.recv(65536):
                if not (self.silent.is_set() and self.lose == "answers"):
                    self.program.sendall(data)
        self.drop()

    def fail(self) -> None:
        """Fall silent now, drop the connection soon."""
        self.silent.set()
        threading.Timer(SILENT_SECONDS, self.give_up).start()

    def give_up(self) -> None:
        """Drop a connection that has been silent."""
        click.echo(f"relay: lost the {self.lose} of {SILENT_SECONDS} s, and drops the connection", err=True)
        self.drop()

    def drop(self) -> None:
        """End both sides at once."""
        for side in (self.program, self.broker):
            with suppress(OSError):  # it has ended already
                side.shutdown(socket.SHUT_RDWR)


def connect_to_broker() -> socket.socket:
    """A socket to the broker that AMQP_URL names, with TLS for amqps://."""
    broker = broker_address()
    plain = socket.create_connection((broker.host, broker.port))
    if broker.ssl_options is None:
        return plain
    return broker.ssl_options.context.wrap_socket(plain, server_hostname=broker.host)


def serve(listener: socket.socket, after: int, lose: str) -> None:
    """Relay every connection; only the first one fails."""
    while True:
        try:
            program, _address = listener.accept()
        except OSError:  # the program has ended, and the listener with it
            return
        try:
            Line(program, after, lose)
        except OSError:  # there is no broker any more: the program is told by the end of its connection
            program.close()
        after = math.inf


def relayed_url(port: int) -> str:
    """The broker's address with this relay in the place of its host and port."""
    broker = broker_address()
    user, password, vhost = (
        quote(part, safe="")
        for part in (broker.credentials.username, broker.credentials.password, broker.virtual_host)
    )
    return f"amqp://{user}:{password}@127.0.0.1:{port}/{vhost}"


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--after", type=click.IntRange(min=0), default=3, show_default=True, help="Orders that pass.")
@click.option(
    "--lose",
    type=click.Choice(["orders", "answers"]),
    default="orders",
    show_default=True,
    help="What is lost.",
)
@click.argument("command", nargs=-1, required=True)
def main(after: int, lose: str, command: tuple[str, ...]) -> None:
    """Run a program behind a network that fails once.

    Example: python relay.py --after 3 python hopeful_producer.py --count 5
    """
    with connect():
        pass  # a broker that is not there is told here, not as a failure of the network
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener, after, lose), daemon=True).start()
        url = relayed_url(listener.getsockname()[1])
        try:
            sys.exit(subprocess.run(command, env={**environ, "AMQP_URL": url}, check=False).returncode)
        except OSError as error:
            raise click.ClickException(
                f"There is no program {command[0]} to run ({error.strerror}); try: python relay.py --help"
            ) from error
        except KeyboardInterrupt:
            click.echo("relay: stopped", err=True)


if __name__ == "__main__":
    main()
