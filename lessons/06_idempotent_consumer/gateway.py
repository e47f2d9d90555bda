"""A prop: somebody else's payment gateway. It knows no events, and no transaction of ours reaches it."""

import json
import sqlite3
from contextlib import closing, suppress
from http import HTTPStatus, client
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

WAIT_SECONDS = 30
BOOKS = "gateway.sqlite"
ADDRESS = Path("gateway.url")
SCHEMA = """CREATE TABLE IF NOT EXISTS charges (
  order_id TEXT NOT NULL, amount_cents INTEGER NOT NULL, idempotency_key TEXT UNIQUE)
"""


def charge(order: dict, key: str | None) -> bool:
    """Charge a card, unless it was done under this key before; whether it was done now.

    Key and charge are one row: there is never one without the other.
    """
    row = (order["order_id"], order["amount_cents"], key)
    with closing(sqlite3.connect(BOOKS, timeout=WAIT_SECONDS)) as books, books:
        return books.execute("INSERT OR IGNORE INTO charges VALUES (?, ?, ?)", row).rowcount == 1


class Request(BaseHTTPRequestHandler):
    """POST /charges, with the order in JSON and perhaps a header Idempotency-Key."""

    def do_POST(self) -> None:
        """Charge, and answer 201: with a known key the same answer again."""
        key = self.headers["Idempotency-Key"]
        try:
            order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            charged = charge(order, key)
        except (ValueError, KeyError, TypeError):
            self.answer(HTTPStatus.BAD_REQUEST)
            return
        done = "charged" if charged else "same key, same answer:"
        click.echo(f"{done} {order['order_id']}, key {key or 'none'}")
        self.answer(HTTPStatus.CREATED)

    def answer(self, status: HTTPStatus) -> None:
        """Answer with no more than a status."""
        self.send_response_only(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def refuse_to_be_the_second() -> None:
    """Two gateways would share one address and one set of books. A dead one has left its address."""
    with suppress(OSError, ValueError, client.HTTPException):
        url = ADDRESS.read_text(encoding="utf-8")
        other = client.HTTPConnection(url.removeprefix("http://"), timeout=WAIT_SECONDS)
        other.request("POST", "/charges", "{}")
        if other.getresponse().status == HTTPStatus.BAD_REQUEST:  # what a gateway says to no order
            raise click.ClickException(f"A gateway charges cards at {url} already; use it, or stop it first.")


@click.command()
def main() -> None:
    """Charge cards until Ctrl-C, at any free port; gateway.url then says where.

    Example: python gateway.py
    """
    refuse_to_be_the_second()
    try:
        with closing(sqlite3.connect(BOOKS, timeout=WAIT_SECONDS)) as books:
            books.execute(SCHEMA)
        with ThreadingHTTPServer(("127.0.0.1", 0), Request) as gateway:
            url = f"http://127.0.0.1:{gateway.server_port}"
            ADDRESS.write_text(url, encoding="utf-8")
            click.echo(f"charging cards at {url}; Ctrl-C to stop", err=True)
            gateway.serve_forever()
    except (sqlite3.Error, OSError) as error:
        raise click.ClickException(f"The gateway's books cannot be written here: {error}.") from error
    except KeyboardInterrupt:
        click.echo("stopped; the gateway's books stay", err=True)


if __name__ == "__main__":
    main()
