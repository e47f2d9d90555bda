"""The carrier's service, a prop: down for some seconds from the first call on, and counting its calls."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

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


def server_of(carrier: Carrier) -> ThreadingHTTPServer:
    """An HTTP server on loopback, at a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Book, or say that we are down."""
            booked = carrier.book(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response_only(200 if booked else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@click.command()
@click.option("--down", type=click.FloatRange(min=0), default=2.9, show_default=True, help="Seconds.")
def main(down: float) -> None:
    """Be the carrier until Ctrl-C, at any free port; carrier.url then says where.

    Example: python carrier.py --down 2.9
    """
    carrier = Carrier(down)
    try:
        with server_of(carrier) as server:
            Path("carrier.url").write_text(f"http://127.0.0.1:{server.server_port}", encoding="utf-8")
            click.echo(
                f"the carrier listens, and will be down for {down:g} s from the first call on", err=True
            )
            server.serve_forever()
    except OSError as error:
        raise click.ClickException(
            f"carrier.url cannot be written here ({error.strerror}); see to the rights of this folder."
        ) from error
    except KeyboardInterrupt:
        click.echo(f"stopped: {carrier.calls} calls, {len(carrier.booked)} booked", err=True)


if __name__ == "__main__":
    main()
