"""The player finds what does not hold on a page: that the pages' own test can fail is shown here."""

import sys
from pathlib import Path

import pytest
from workbench.page import rewritten, steps_of
from workbench.player import Difference, PageError, Played, Player, differences, masked, recorded
from workbench.player import reader_environment as environment

GREETER = """
import os, signal, sys
print(f"greeting as process {os.getpid()}", flush=True)
name = input("Your name: ")
try:
    print(f"hello {name}", flush=True)
    signal.pause()
except KeyboardInterrupt:
    print("bye")
"""

PAGE = """# A page

**Terminal 1**

```console
$ python greeter.py
greeting as process 4711
Your name: Alice
hello Alice
```

**Terminal 2**

```console
$ echo meanwhile
meanwhile
```

**Terminal 1**

```console
^Cbye
```

```text
$ this is not played
```
"""


def play(page: str, folder: Path, **settings: object) -> list[Played]:
    (folder / "greeter.py").write_text(GREETER, encoding="utf-8")
    return Player(steps_of(page), folder, environment("amqp://nowhere/"), **settings).play()


def does_not_hold(page: str, folder: Path) -> bool:
    try:
        return differences(play(page, folder)) != []
    except PageError:
        return True


def test_page_that_holds(tmp_path: Path) -> None:
    assert differences(play(PAGE, tmp_path)) == []


def test_a_changed_word_is_found(tmp_path: Path) -> None:
    changed = PAGE.replace("hello Alice", "hello Alicia")
    assert differences(play(changed, tmp_path)) == [Difference(9, "page 'hello Alicia', run 'hello Alice'")]


def test_a_missing_line_is_found(tmp_path: Path) -> None:
    page = "```console\n$ printf 'one\\ntwo\\n'\none\n```\n"
    assert differences(play(page, tmp_path)) == [Difference(4, "page None, run 'two'")]


def test_a_line_too_many_is_found(tmp_path: Path) -> None:
    page = "```console\n$ echo one\none\ntwo\n```\n"
    assert differences(play(page, tmp_path)) == [Difference(4, "page 'two', run None")]


def test_a_command_that_fails_is_found(tmp_path: Path) -> None:
    page = "```console\n$ echo one; exit 3\none\n```\n"
    with pytest.raises(PageError, match="ended with status 3, saying: one"):
        play(page, tmp_path)


def test_a_missing_file_is_found(tmp_path: Path) -> None:
    with pytest.raises(PageError, match=r"status 2, saying: .*missing\.py.*No such file"):
        play(PAGE.replace("python greeter.py", "python missing.py"), tmp_path)


def test_a_program_that_ends_too_early_is_found(tmp_path: Path) -> None:
    page = "```console\n$ echo one\none\n```\n\n```console\n^Cbye\n```\n"
    assert does_not_hold(page, tmp_path)


def test_a_program_that_never_says_it_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.player.STEP_SECONDS", 0.1)
    page = "```console\n$ sleep 60\nready\n```\n\n```console\n^C\n```\n"
    with pytest.raises(PageError, match="waited 0.1 s for 'ready'"):
        play(page, tmp_path)


def test_no_program_is_left_over(tmp_path: Path) -> None:
    page = PAGE.replace("echo meanwhile", "false")
    played: list[str] = []
    with pytest.raises(PageError):
        play(page, tmp_path, on_line=lambda _terminal, line: played.append(line))
    process = int(played[0].rsplit(" ", 1)[1])
    assert not Path(f"/proc/{process}").exists() or sys.platform != "linux"


def test_kill_names_the_live_process(tmp_path: Path) -> None:
    page = """```console
$ python greeter.py
greeting as process 4711
```

**Terminal 2**

```console
$ kill -9 4711
```

```console
Your name: Killed
```
"""
    killed = play(page.replace("Your name: Killed", "Killed"), tmp_path)[-1]
    assert killed.lines[-1].endswith("Killed")


def test_a_question_that_waits_is_answered_at_once(tmp_path: Path) -> None:
    asked = "Your name: Alice\nhello Alice\n"
    meanwhile = "```\n\n**Terminal 2**\n\n```console\n$ echo so\nso\n```\n\n**Terminal 1**\n\n```console\n"
    page = PAGE.replace(asked, meanwhile + asked)
    assert page != PAGE
    assert differences(play(page, tmp_path, recording=True)) == []


def test_recording_writes_what_was_shown(tmp_path: Path) -> None:
    draft = PAGE.replace("meanwhile\nmeanwhile", "meanwhile\nx").replace(
        "process 4711\nYour", "process 4711\nold\nYour"
    )
    assert rewritten(draft, recorded(play(draft, tmp_path, recording=True))) == PAGE


def test_recording_leaves_what_only_varies(tmp_path: Path) -> None:
    assert rewritten(PAGE, recorded(play(PAGE, tmp_path, recording=True))) == PAGE


# A run tells of two events, of the first one again in another terminal; a page may tell of them otherwise.
FIRST, SECOND = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "ab")
EVENTS = """```console
$ python say.py first second
event {}
event {}
```

**Terminal 2**

```console
$ python say.py first
event {}
```
"""
SAY = f"""import sys
for name in sys.argv[1:]:
    print("event", dict(first="{FIRST}", second="{SECOND}")[name])
"""


def page_of_events(names: str) -> str:
    """The page with these letters for its three ids, as an older run may have left them."""
    return EVENTS.format(*(f"{letter * 8}-1111-4111-8111-111111111111" for letter in names))


@pytest.fixture
def say(tmp_path: Path) -> Path:
    (tmp_path / "say.py").write_text(SAY, encoding="utf-8")
    return tmp_path


def test_ids_of_one_run_hold(say: Path) -> None:
    assert differences(play(page_of_events("cdc"), say)) == []


@pytest.mark.parametrize(("names", "line"), [("cde", 11), ("cdd", 11), ("ccc", 4)])
def test_ids_of_several_runs_are_found(say: Path, names: str, line: int) -> None:
    (found,) = differences(play(page_of_events(names), say))
    assert found.line == line
    assert "what has one id in the run has another one elsewhere on the page, or shares it" in found.why


@pytest.mark.parametrize("names", ["cde", "cdd", "ccc", "ccd"])
def test_recording_makes_ids_equal_that_are(say: Path, names: str) -> None:
    draft = page_of_events(names)
    page = rewritten(draft, recorded(play(draft, say, recording=True)))
    first, second, again = (line for line in page.splitlines() if line.startswith("event "))
    assert first == again != second
    assert first in draft, "what the page called it first stays"


def test_recording_calls_a_thing_the_same_in_a_step_that_changes(say: Path) -> None:
    draft = page_of_events("cdc").replace("second\n", "second\nold\n")
    page = rewritten(draft, recorded(play(draft, say, recording=True)))
    assert page == page_of_events("cdc")


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("took 0.4 s", "took 12.8 s", True),
        ("packed 3 orders", "packed 4 orders", False),
        ("as process 12; stop", "as process 4711; stop", True),
        ("RabbitMQ 3.10.8", "RabbitMQ 4.3.6", True),
        ("all in ~3.1 times the best", "all in ~12 times the best", True),
        ("prefetch   1  925/s", "prefetch   1  1,325/s", True),
        ("│ a │  10 ms │", "│ a │ 1000 ms │", True),
        ("in vhost '/'", "in vhost 'test-1'", True),
        ("at 127.0.0.1:5672", "at 127.0.0.1:40001", True),
        ("at localhost:5672", "at localhost:40001", False),
    ],
)
def test_only_what_must_vary_is_masked(one: str, other: str, alike: bool) -> None:
    assert (masked(one) == masked(other)) is alike
