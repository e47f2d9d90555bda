"""A prop: somebody else's payment gateway. It knows no events, and no transaction of ours reaches it."""

import json
import sqlite3
from contextlib import closing
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import click

WAIT_SECONDS = 30
COLUMNS = "order_id TEXT NOT NULL, amount_cents INTEGER NOT NULL, idempotency_key TEXT UNIQUE"


def charge(file: str, order: dict, key: str | None) -> bool:
    """Charge a card, unless it was done under this key before; whether it was done now.

    Key and charge are one row: there is never one without the other.
    """
    row = (order["order_id"], order["amount_cents"], key)
    with closing(sqlite3.connect(file, timeout=WAIT_SECONDS)) as ledger, ledger:
        return ledger.execute("INSERT OR IGNORE INTO charges VALUES (?, ?, ?)", row).rowcount == 1


class Gateway(ThreadingHTTPServer):
    """Takes charges over HTTP, on loopback only, and writes them into a SQLite file."""

    daemon_threads = True

    def __init__(self, port: int, file: str) -> None:
        super().__init__(("127.0.0.1", port), Request)
        self.file = file
        with closing(sqlite3.connect(file, timeout=WAIT_SECONDS)) as ledger:
            ledger.execute(f"CREATE TABLE IF NOT EXISTS charges ({COLUMNS})")


class Request(BaseHTTPRequestHandler):
    """POST /charges, with the order in JSON and perhaps a header Idempotency-Key."""

    def do_POST(self) -> None:
        """Charge, and answer 201: with a known key the same answer again."""
        key = self.headers["Idempotency-Key"]
        try:
            order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            charged = charge(self.server.file, order, key)
        except (ValueError, KeyError, TypeError):
            self.answer(HTTPStatus.BAD_REQUEST)
            return
        done = "charged" if charged else "same key, same answer:"
        click.echo(f"{done} {order['order_id']}, key {key or 'none'}")
        self.answer(HTTPStatus.CREATED)

    def answer(self, status: HTTPStatus) -> None:
        """Answer with no more than a status."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_line: object) -> None:
        """Say nothing more than we say already."""


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8606, show_default=True, help="0: any free.")
@click.option("--file", default="gateway.sqlite", show_default=True, help="The gateway's own books.")
def main(port: int, file: str) -> None:
    """Charge cards until Ctrl-C.

    Example: python gateway.py --port 8606
    """
    try:
        with Gateway(port, file) as gateway:
            click.echo(f"charging cards at http://127.0.0.1:{gateway.server_port}; Ctrl-C to stop", err=True)
            gateway.serve_forever()
    except OSError as error:
        raise click.ClickException(f"Port {port}: {error.strerror}; try another, with --port 0") from error
    except sqlite3.Error as error:
        raise click.ClickException(f"The gateway's books ({file}) cannot be written: {error}.") from error
    except KeyboardInterrupt:
        click.echo("stopped; the gateway's books stay", err=True)


if __name__ == "__main__":
    main()
