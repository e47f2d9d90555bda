"""Where all commands print for people: plain text where they set NO_COLOR (https://no-color.org)."""

import os

from rich.console import Console


def console(stderr: bool = False) -> Console:
    """A console for stdout or stderr. Rich by itself would still print bold and dim letters."""
    return Console(
        highlight=False, stderr=stderr, color_system=None if os.environ.get("NO_COLOR") else "auto"
    )
