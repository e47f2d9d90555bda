"""What a program did to the world: rows of the table `shipments` in the SQLite file that LEDGER names."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

# Rows are noticed by a trigger, so that a program in any language need only insert them.
SCHEMA = """
CREATE TABLE shipments (order_id TEXT NOT NULL);
CREATE TABLE bench_written (order_id TEXT NOT NULL, at REAL NOT NULL);
CREATE TRIGGER bench_notes AFTER INSERT ON shipments BEGIN
  INSERT INTO bench_written VALUES (NEW.order_id, (julianday('now') - 2440587.5) * 86400.0);
END;
"""
REFUSAL = "no truck is free for this order"
FAILURE = "the disk is full"
MAX_LOCK_SECONDS = 5.0


@dataclass(frozen=True)
class Effect:
    """A shipment that was written, and when (seconds since 1970, to the millisecond)."""

    order_id: str
    at: float


class Effects:
    """The ledger that one program writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._connected() as ledger:
            ledger.executescript(SCHEMA)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=MAX_LOCK_SECONDS)) as ledger:
            yield ledger

    def written(self) -> list[Effect]:
        """All shipments so far, in the order in which they were written."""
        with self._connected() as ledger:
            return [
                Effect(*row)
                for row in ledger.execute("SELECT order_id, at FROM bench_written ORDER BY rowid")
            ]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody can write meanwhile: a program that tries waits, up to its busy timeout."""
        with self._connected() as ledger:
            ledger.execute("BEGIN IMMEDIATE")
            yield
            ledger.execute("ROLLBACK")

    @contextmanager
    def refusing(self, order_id: str) -> Iterator[None]:
        """A shipment for this order cannot be written meanwhile: the program gets an error from SQLite."""
        with self._connected() as ledger:
            ledger.execute(
                f"CREATE TRIGGER bench_refuses BEFORE INSERT ON shipments WHEN NEW.order_id = '{order_id}'"
                f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
            yield
            ledger.execute("DROP TRIGGER bench_refuses")

    @contextmanager
    def nothing_commits(self) -> Iterator[None]:
        """Nobody can commit meanwhile: a program can write, and then waits, up to its busy timeout."""
        with self._connected() as ledger:
            ledger.execute("BEGIN")
            ledger.execute("SELECT * FROM shipments").fetchone()
            yield
            ledger.execute("ROLLBACK")

    def own_tables(self) -> list[str]:
        """The tables that the program has made beside `shipments`."""
        with self._connected() as ledger:
            tables = [row[0] for row in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [name for name in tables if name != "shipments" and not name.startswith(("bench_", "sqlite_"))]

    def rows(self, table: str) -> list[dict[str, object]]:
        """What is in a table that the program has made; nothing where it has made none of that name."""
        if table not in self.own_tables():
            return []
        with self._connected() as ledger:
            ledger.row_factory = sqlite3.Row
            return [dict(row) for row in ledger.execute(f'SELECT * FROM "{table}"')]

    @contextmanager
    def unwritable(self, tables: Sequence[str]) -> Iterator[None]:
        """Nothing can be written into these tables meanwhile: the program gets an error from SQLite.

        It is the one that a missing table gives, never that of a row which is there already.
        """
        moments = [(table, verb) for table in tables for verb in ("INSERT", "UPDATE")]
        with self._connected() as ledger:
            for number, (table, verb) in enumerate(moments):
                ledger.execute(
                    f'CREATE TRIGGER bench_fails_{number} BEFORE {verb} ON "{table}"'
                    f' BEGIN INSERT INTO "{FAILURE}" VALUES (1); END'
                )
            yield
            for number in range(len(moments)):
                ledger.execute(f"DROP TRIGGER bench_fails_{number}")
