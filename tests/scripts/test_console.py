"""NO_COLOR at a terminal: no colours, and nothing bold or dim either."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from project_copy import ROOT
from workbench.player import reader_environment
from workbench.terminal import Terminal

STYLE = re.compile("\x1b\\[[0-9;]*m")
SCRIPTS = ROOT / "scripts"
LEDGER = "import ledger; ledger.report('02', [ledger.Trial('one', True, ['A-0001'], [])], False)"
COMMANDS = {
    "journey": f"python3 {SCRIPTS}/journey.py 'python producer.py' 'python consumer.py --limit 1'",
    "check": f"python3 {SCRIPTS}/check.py 01",
    "lesson list": f"python3 {SCRIPTS}/lesson.py list",
    "lesson diff": f"python3 {SCRIPTS}/lesson.py diff 01 02",
    "ledger": f'cd ../02_acknowledgements && python3 -c "{LEDGER}"',
}


@pytest.fixture
def shown(copied: Callable[[str], Path], vhost_url: str) -> Callable[..., str]:
    """What a command shows at a terminal that has colours, with NO_COLOR set so."""
    folder = copied("01_first_event")
    copied("02_acknowledgements")

    def show(command: str, no_color: str) -> str:
        terminal = Terminal(folder, reader_environment(vhost_url))
        terminal.start(f"export TERM=xterm-256color NO_COLOR={no_color}; {command}")
        while terminal.running:
            terminal.read()
        return "\n".join(terminal.lines)

    return show


@pytest.mark.parametrize("command", COMMANDS)
def test_no_colour_where_nobody_wants_it(command: str, shown: Callable[..., str]) -> None:
    assert STYLE.search(shown(COMMANDS[command], no_color=""))
    assert not STYLE.search(shown(COMMANDS[command], no_color="1"))
