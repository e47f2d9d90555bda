"""How a script of ours is typed from where the user stands."""

import os
import shlex
from pathlib import Path

from workbench.environment import ROOT


def typed(command: str) -> str:
    """`broker.py up` as it runs from the current folder: `python3 scripts/broker.py up`."""
    name, _, arguments = command.partition(" ")
    script = ROOT / "scripts" / name
    inside = Path.cwd().is_relative_to(ROOT)
    path = os.path.relpath(script) if inside else str(script)
    return f"python3 {shlex.quote(path)} {arguments}".rstrip()
