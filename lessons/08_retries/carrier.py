"""The carrier's service, a prop: down for some seconds from the first call on, and counting its calls."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import click


class Carrier:
    """Answers bookings; `down` is for how many seconds it cannot, from the first call on."""

    def __init__(self, down: float) -> None:
        self.calls = 0
        self.booked: list[bytes] = []
        self._down = down
        self._first: float | None = None
        self._lock = threading.Lock()

    def book(self, body: bytes) -> bool:
        """Take a call; whether it was booked."""
        with self._lock:
            self._first = self._first or time.monotonic()
            self.calls += 1
            up = time.monotonic() - self._first >= self._down
            if up:
                self.booked.append(body)
            return up


def server_of(carrier: Carrier, port: int) -> ThreadingHTTPServer:
    """An HTTP server on loopback, at a free port if `port` is 0. Raises OSError where it is taken."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Book, or say that we are down."""
            booked = carrier.book(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response_only(200 if booked else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


@click.command()
@click.option("--down", type=click.FloatRange(min=0), default=2.9, show_default=True, help="Seconds.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8008, show_default=True, help="Where to listen."
)
def main(down: float, port: int) -> None:
    """Be the carrier until Ctrl-C.

    Example: python carrier.py --down 2.9
    """
    carrier = Carrier(down)
    try:
        with server_of(carrier, port) as server:
            click.echo(
                f"the carrier listens, and will be down for {down:g} s from the first call on", err=True
            )
            server.serve_forever()
    except OSError as error:
        raise click.ClickException(
            f"Port {port} is taken; stop the other carrier, or choose --port."
        ) from error
    except KeyboardInterrupt:
        click.echo(f"stopped after {carrier.calls} calls and {len(carrier.booked)} bookings", err=True)


if __name__ == "__main__":
    main()
