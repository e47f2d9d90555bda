"""What a command that ended left behind."""

from pathlib import Path

from workbench.marked import MARK


def processes_with(tokens: set[str]) -> list[int]:
    """The processes that carry the mark of one of these checks."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environ = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it has just ended
        if any(f"{MARK}={token}".encode() in environ for token in tokens):
            found.append(int(folder.name))
    return found
