"""What holds for every lesson folder, so that each one stands alone and all of them sound alike."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from workbench.lessons import LESSONS, Lesson
from workbench.page import steps_of

PACKAGES = {"pika", "click", "rich"}
SAME_EVERYWHERE = ["connection.py", "ledger.py"]
NOT_THE_IDEA = {"connection.py", "ledger.py", "experiment.py", "relay.py", "check.py"}
QUEUE_OR_EXCHANGE = re.compile(r'^(?:QUEUE|EXCHANGE)\w* = "([^"]+)"', re.MULTILINE)
PARTS = [
    "```mermaid",
    "## Run it",
    "## Predict, then break it",
    "## What happened",
    "## Exercise",
    "## What this lesson left out",
    "To read on: ",
]


def scripts_of(lesson: Lesson) -> list[Path]:
    return sorted(lesson.folder.glob("*.py"))


def imported_by(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def test_imports_stay_in_the_folder(lesson: Lesson) -> None:
    siblings = {path.stem for path in scripts_of(lesson)}
    allowed = PACKAGES | siblings | set(sys.stdlib_module_names)
    for path in scripts_of(lesson):
        extra = {"workbench"} if path.name == "check.py" else set()
        assert imported_by(path) <= allowed | extra, path


def test_no_script_shadows_a_module(lesson: Lesson) -> None:
    names = {path.stem for path in scripts_of(lesson)}
    assert not names & (set(sys.stdlib_module_names) | PACKAGES)


@pytest.mark.parametrize("name", SAME_EVERYWHERE)
def test_copies_of_a_file_are_the_same(name: str) -> None:
    copies = {path.read_text(encoding="utf-8") for path in LESSONS.glob(f"*/{name}")}
    assert len(copies) == 1


def test_copies_of_connect_are_the_same() -> None:
    copies = defaultdict(list)
    for path in LESSONS.glob("*/*.py"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.name == "connect":
                copies[ast.get_source_segment(text, node)].append(path)
    assert len(copies) == 1, dict(copies)


def test_names_on_the_broker_begin_with_the_lesson(lesson: Lesson) -> None:
    for path in scripts_of(lesson):
        for name in QUEUE_OR_EXCHANGE.findall(path.read_text(encoding="utf-8")):
            assert name.startswith(f"lesson{lesson.number}."), path


def test_commands_of_the_project_are_named_with_their_place(lesson: Lesson) -> None:
    """Who reads the sentence stands in the lesson's folder, or in a copy of it."""
    for path in scripts_of(lesson):
        text = re.sub(r'"\n *f?"', "", path.read_text(encoding="utf-8"))
        for sentence in re.findall(r".*python3 scripts/", text):
            assert sentence.endswith(", in the project's folder: python3 scripts/"), path


def test_help_has_an_example(script: Path) -> None:
    done = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True, check=True)
    assert f"Example: python {script.name}" in done.stdout


def test_scripts_are_short_enough_to_read(lesson: Lesson) -> None:
    for path in scripts_of(lesson):
        if path.name not in NOT_THE_IDEA:
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 85, path


def test_commands_fit_a_projector(lesson: Lesson) -> None:
    """Commands are typed in a terminal of 80 columns; what wraps there is hard to copy."""
    for number, line in enumerate(lesson.page.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("$ "):
            assert len(line) <= 80, f"{lesson.page}:{number}"


def test_output_fits_a_projector_when_the_page_is_played(lesson: Lesson) -> None:
    """In 80 columns, four of which tell the terminal; an error may wrap."""
    for step in steps_of(lesson.page.read_text(encoding="utf-8")):
        wide = [line for line in step.shown if len(line) > 76 and not line.startswith("Error: ")]
        assert wide == [], lesson.page


def test_page_has_its_parts(lesson: Lesson) -> None:
    text = lesson.page.read_text(encoding="utf-8")
    places = [text.find(part) for part in PARTS]
    assert -1 not in places, dict(zip(PARTS, places, strict=True))
    assert places == sorted(places), "the parts stand in another order"


def test_what_an_experiment_printed_is_folded_until_one_has_guessed(lesson: Lesson) -> None:
    text = lesson.page.read_text(encoding="utf-8")
    shown = re.findall(
        r"(.*)\n\n(.*)\n\n```console\n\$ (python experiment\.py.*)\n(.*): \d+\n(?:.*\n)*?```\n\n(.*)\n", text
    )
    assert len(shown) == (lesson.folder / "experiment.py").exists()
    for guess, fold, command, question, end in shown:
        assert guess == f"**Guess:** {question}?"
        assert fold == f"<details><summary><code>{command}</code> (guess, then open this)</summary>"
        assert end == "</details>"


def test_links_on_the_page_lead_somewhere(lesson: Lesson) -> None:
    for target in re.findall(r"\]\((?!https://)([^)#]+)\)", lesson.page.read_text(encoding="utf-8")):
        assert (lesson.folder / target).exists(), target


def test_code_on_the_page_stands_in_the_folder(lesson: Lesson) -> None:
    """What a page quotes is what a script says, but for its indentation."""
    texts = [path.read_text(encoding="utf-8") for path in scripts_of(lesson)]
    code = {line.strip() for text in texts for line in text.splitlines()}
    page = lesson.page.read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        for line in filter(None, map(str.strip, block.splitlines())):
            assert line in code, line
