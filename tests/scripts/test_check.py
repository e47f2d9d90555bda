"""scripts/check.py as it is typed, with programs that do not behave."""

import contextlib
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

import pytest
from left_over import processes_with
from project_copy import copy_project
from workbench.address import vhost_of
from workbench.bench.failures import MAX_LINES
from workbench.bench.judge import AT_ONCE, Exercise, Judge
from workbench.broker import leftovers
from workbench.lessons import find_lesson
from workbench.management import EVERYTHING, Management, vhost_names
from workbench.wire import Cut, Fault, FaultPlan, When, Wire
from wrong_answers import WRONG_ANSWERS, Wrong

LOOK_SECONDS = 0.02
CLEARING_SECONDS = 20
KILLINGS = 3
HOSTILE = {
    "dies at once": (
        "raise SystemExit(3)",
        "it ended with status 3 whenever it was started, and never consumed",
    ),
    "hangs": ("import signal; signal.pause()", "consumed nothing within"),
    "floods its output": ("while True: print('x' * 1000)", "consumed nothing within"),
    "ignores SIGTERM": (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()",
        "consumed nothing within",
    ),
    "leaves a child behind": (
        "import os, signal\nif os.fork() == 0:\n    os.setsid()\n    signal.pause()",
        "never consumed",
    ),
}


class Checks:
    """Runs checks, takes note of what they make (each of their tokens names a folder), and proves it gone."""

    def __init__(self, project: Path, url: str, temporary: Path) -> None:
        self.project = project
        self.url = url
        self.temporary = temporary
        self.tokens: set[str] = set()

    def start(self, *arguments: str, url: str | None = None) -> subprocess.Popen:
        """Start `check.py ARGUMENTS`, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, str(self.project / "scripts" / "check.py"), *arguments],
            cwd=self.project,
            env={**os.environ, "AMQP_URL": url or self.url, "TMPDIR": str(self.temporary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen) -> subprocess.CompletedProcess:
        """Wait for its end."""
        while True:
            self.look()
            try:
                out, err = process.communicate(timeout=LOOK_SECONDS)
                return subprocess.CompletedProcess(process.args, process.returncode, out, err)
            except subprocess.TimeoutExpired:
                continue

    def run(self, *arguments: str, url: str | None = None) -> subprocess.CompletedProcess:
        """`check.py ARGUMENTS` from start to end."""
        return self.finish(self.start(*arguments, url=url))

    def look(self) -> None:
        """Note the tokens of what there is now."""
        self.tokens |= {path.name.rpartition("-")[2] for path in self.temporary.glob("rabbit-holes-check-*")}

    def until_it_has_begun(self, process: subprocess.Popen) -> None:
        """Until a check has made its first folder."""
        known = set(self.tokens)
        while process.poll() is None and self.tokens == known:
            self.look()
            time.sleep(LOOK_SECONDS)

    def left(self) -> list[str]:
        """What is still there of all that was noted: folders, vhosts, processes."""
        self.look()
        vhosts = vhost_names(Management.of(self.url))
        return [
            *map(str, self.temporary.iterdir()),
            *(name for name in vhosts if name.removeprefix("check-") in self.tokens),
            *(f"process {number}" for number in processes_with(self.tokens)),
        ]


@pytest.fixture
def checks(tmp_path: Path, broker_url: str) -> Iterator[Checks]:
    """A copy of the project to run checks in; whatever they do, nothing may be left of them."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    project = copy_project(tmp_path / "project", "lessons", "scripts/check.py", "scripts/lesson.py")
    checks = Checks(project, broker_url, temporary)
    yield checks
    deadline = time.monotonic() + CLEARING_SECONDS  # the guard of a killed check outlives it by a moment
    while checks.left() and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    assert checks.left() == []


def program(checks: Checks, text: str) -> str:
    path = checks.project / "program.py"
    path.write_text(text, encoding="utf-8")
    return f"{sys.executable} {path}"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_program_is_told_apart(name: str, checks: Checks) -> None:
    text, why = HOSTILE[name]
    done = checks.run("01", "--json", "--command", program(checks, text))
    result = json.loads(done.stdout)
    assert done.returncode == 2
    assert result["verdict"] == "unjudged"
    assert why in result["why"]
    assert len(result["output"]) < 100_000


def test_a_program_that_is_not_there(checks: Checks) -> None:
    done = checks.run("01", "--command", "no-such-program --at-all")
    assert done.returncode == 2
    assert "Could not judge: there is no program no-such-program" in done.stderr


@pytest.mark.parametrize(
    ("command", "why"), [("'", "close its quotes"), ("", "an empty command runs nothing")]
)
def test_a_command_that_cannot_be_read(command: str, why: str, checks: Checks) -> None:
    done = checks.run("02", "--command", command)
    assert done.returncode == 2
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_traceback_of_the_learner_is_shown_as_theirs(checks: Checks) -> None:
    done = checks.run("01", "--command", program(checks, "raise ValueError('my own mistake')"))
    assert done.returncode == 2
    assert "your program said:" in done.stderr
    assert "my own mistake" in done.stderr


def test_one_line_error_of_the_learner_is_shown_as_theirs(checks: Checks) -> None:
    done = checks.run("01", "--command", program(checks, "raise SystemExit('Error: there is no truck')"))
    assert done.returncode == 2
    assert "your program said:\n          Error: there is no truck" in done.stderr


NEVER_ACKNOWLEDGES = """
import json
from connection import connect

def dig(depth):
    dig_on(depth - 1) if depth else json.loads("[")

def dig_on(depth):
    dig(depth)

with connect() as connection:
    for delivery in connection.channel().consume("lesson02.orders"):
        {work}
"""


def crash_over_an_order(checks: Checks, work: str) -> str:
    """A program for lesson 02 that does this with an order."""
    mine = checks.project / "lessons" / "02_acknowledgements" / "mine.py"
    mine.write_text(NEVER_ACKNOWLEDGES.format(work=work), encoding="utf-8")
    return f"{sys.executable} mine.py"


def test_crash_is_told_beside_the_promise_that_it_breaks(checks: Checks) -> None:
    command = crash_over_an_order(checks, "raise SystemExit('Error: no truck')")
    done = checks.run("02", "--command", command)
    again = checks.run("02", "--command", command, "--json")
    broken = next(each for each in json.loads(again.stdout)["promises"] if each["kept"] is False)
    assert re.search(r"^ {8}your program ended by itself \d times: Error: no truck$", done.stdout, re.M)
    assert "your program said" not in done.stderr, "one line is told once"
    assert broken["ended_by_itself"] > 1
    assert broken["last_line"] == "Error: no truck"
    assert re.search(r" times \(redelivered to shipping · shipping vanished\)$", broken["journey"])


def test_of_a_long_traceback_only_the_learners_own_end_is_shown(checks: Checks) -> None:
    done = checks.run("02", "--command", crash_over_an_order(checks, "dig(30)"))
    said = done.stderr[done.stderr.index("your program said:") : done.stderr.index("seed")]
    lines = [line.strip() for line in said.splitlines()[1:]]
    assert done.stderr.count("your program said:") == 1, "the same is said once"
    assert lines[:2] == ["Traceback (most recent call last):", "..."]
    assert 'File "mine.py", line 6, in dig' in lines
    assert any(line.startswith("json.decoder.JSONDecodeError: ") for line in lines)
    assert "json/decoder.py" not in said
    assert len(lines) <= 2 * MAX_LINES
    assert max(map(len, said.splitlines())) <= 80


def test_a_traceback_of_a_program_from_elsewhere_is_shown_too(checks: Checks, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.py"
    elsewhere.write_text("def ship():\n    raise LookupError('no ship')\n\n\nship()\n", encoding="utf-8")
    done = checks.run("02", "--command", shlex.join([sys.executable, str(elsewhere)]))
    assert done.returncode == 2
    assert "in ship" in done.stderr
    assert "LookupError: no ship" in done.stderr


GOES_WITH_IT = """channel.queue_declare("lesson04.shipping", auto_delete=True).method.queue
            for reason in REASONS_TO_SHIP:
                channel.queue_bind(queue, "lesson04.events", reason)"""
FORGETFUL = Wrong(
    "04_topic_routing",
    "has a queue that goes with it",
    "what happens while it is away waits for it",
    (('declare_queue(channel, "shipping", REASONS_TO_SHIP)', GOES_WITH_IT),),
)
NAIVE = next(each for each in WRONG_ANSWERS if each.breaks == "an event that comes back ships its order once")


def test_a_program_that_hangs_is_not_waited_for_in_each_scenario(broker_url: str) -> None:
    exercise = Exercise(find_lesson("02"))
    judge = Judge(exercise, [sys.executable, "-c", "import signal; signal.pause()"], broker_url, seed=1)
    began = []
    judge.began = began.append
    assert judge.verdict().word == "unjudged"
    assert len(began) == AT_ONCE < len(exercise.scenarios)


def test_a_reset_leaves_the_vhosts_of_a_running_check_alone(checks: Checks) -> None:
    process = checks.start("01", "--command", f"{sys.executable} -c 'import signal; signal.pause()'")
    checks.until_it_has_begun(process)
    in_use: set[str] = set()
    while process.poll() is None and not in_use:
        checks.look()
        time.sleep(LOOK_SECONDS)
        ours = {f"check-{token}" for token in checks.tokens}
        in_use = ours & vhosts_in_use(Management.of(checks.url))
    left_over = {each.name for each in leftovers.find_vhosts(checks.url)}
    still_runs = process.poll() is None
    process.send_signal(signal.SIGINT)
    checks.finish(process)
    assert in_use
    assert still_runs
    assert left_over.isdisjoint(in_use)


def vhosts_in_use(management: Management) -> set[str]:
    """Those to which somebody is connected."""
    return {each.get("vhost") for each in management.get("connections?columns=vhost")}


def test_two_programs_cannot_be_judged_at_once(checks: Checks) -> None:
    done = checks.run("02", "--solution", "--command", "node shipping.js")
    assert done.returncode == 2
    assert "--solution and --command are two programs" in done.stderr


def test_a_broker_that_fails_the_bench_itself_cannot_be_judged_on(checks: Checks, broker_url: str) -> None:
    plan = FaultPlan((Fault(When("publish"), Cut()),))
    with Wire(broker_url, plan) as wire:
        done = checks.run("02", "--solution", url=wire.address_for("bench"))
    assert done.returncode == 2
    assert "Could not judge: the bench's own connection to the broker failed" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_broker_that_goes_away_cannot_be_judged_on(checks: Checks, broker_url: str) -> None:
    with Wire(broker_url, FaultPlan()) as wire:
        process = checks.start("02", "--json", url=wire.address_for("bench"))
        checks.until_it_has_begun(process)
    done = checks.finish(process)
    assert done.stdout, done.stderr
    result = json.loads(done.stdout)
    assert (done.returncode, result["verdict"]) == (2, "unjudged")
    assert (
        "the broker went away in the middle of the check, as nothing listens at 127.0.0.1:" in result["why"]
    )
    assert "Traceback" not in done.stderr


class MakesNoVhosts(BaseHTTPRequestHandler):
    """Stands before the broker's management API, and lets through what reads and nothing else."""

    def do_GET(self) -> None:  # noqa: D102, N802
        asked = Request(self.server.behind + self.path, headers=dict(self.headers))
        with urlopen(asked) as answer:
            self.send_response(answer.status)
            self.end_headers()
            self.wfile.write(answer.read())

    def do_PUT(self) -> None:  # noqa: D102, N802
        self.send_error(503)

    do_DELETE = do_PUT  # noqa: N815

    def log_message(self, *_what: object) -> None:
        """Nothing."""


def test_a_vhost_that_is_refused_in_the_middle_cannot_be_judged_on(
    checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), MakesNoVhosts) as server:
        server.behind = Management.of(checks.url).url
        threading.Thread(target=server.serve_forever).start()
        with monkeypatch.context() as patch:
            patch.setenv("MANAGEMENT_URL", f"http://127.0.0.1:{server.server_port}")
            done = checks.run("02")
        server.shutdown()
    assert done.returncode == 2
    assert "Could not judge: the management API at" in done.stderr
    assert "refuses /api/vhosts/check-" in " ".join(done.stderr.split())
    assert "vhosts may be left on 127.0.0.1, where the management API refused to delete them" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("wrong", [FORGETFUL, NAIVE], ids=["sent away", "killed and cut off"])
def test_what_the_bench_ends_is_not_called_a_crash(wrong: Wrong, checks: Checks) -> None:
    folder = checks.project / "lessons" / wrong.lesson
    solution = (folder / "solution.py").read_text(encoding="utf-8")
    (folder / "exercise.py").write_text(wrong.program(solution), encoding="utf-8")
    result = json.loads(checks.run(wrong.lesson[:2], "--json").stdout)
    broken = next(each for each in result["promises"] if each["promise"] == wrong.breaks)
    assert broken["kept"] is False
    assert "ended_by_itself" not in broken, broken


STORIES = {
    "swallows": "hello delivered to shipping · acked · it is not among the dead letters",
    "publishes the dead letter itself": (
        "hello delivered to shipping · published · acked"
        " · it is among the dead letters, without the broker's note why (x-death)"
    ),
    "dies of what is no JSON": (
        " never came to the program · the last that came: hello delivered to shipping · shipping vanished · "
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_message_that_names_no_order_has_a_story_too(name: str, checks: Checks) -> None:
    wrong = next(each for each in WRONG_ANSWERS if (each.lesson[:2], each.name) == ("07", name))
    folder = checks.project / "lessons" / wrong.lesson
    solution = (folder / "solution.py").read_text(encoding="utf-8")
    (folder / "exercise.py").write_text(wrong.program(solution), encoding="utf-8")
    result = json.loads(checks.run("07", "--json").stdout)
    broken = next(each for each in result["promises"] if each["promise"] == wrong.breaks)
    assert STORIES[name] in broken["journey"]


def test_starts_without_a_broker_do_not_use_up_those_of_a_right_program(checks: Checks) -> None:
    check = checks.project / "lessons" / "04_topic_routing" / "check.py"
    away = check.read_text(encoding="utf-8").replace("AWAY_SECONDS = 1.5", "AWAY_SECONDS = 5.0")
    check.write_text(away, encoding="utf-8")
    done = checks.run("04", "--solution")
    assert done.returncode == 0, done.stdout


def test_broken_promise_is_shown_with_its_order_and_hint(checks: Checks) -> None:
    done = checks.run("02", "--seed", "7", "--hint")
    again = checks.run("02", "--seed", "7", "--json")
    order = json.loads(again.stdout)["promises"][0]["order"]
    assert done.returncode == again.returncode == 1
    assert "broken  an order comes back when the service dies over it" in done.stdout
    assert order in done.stdout
    assert "hint: When does the order leave the queue" in done.stdout
    assert "seed 7" in done.stderr
    assert "\x1b" not in done.stdout


def test_broken_promise_is_shown_with_the_faults_that_broke_it(checks: Checks) -> None:
    told = json.loads(checks.run("06", "--seed", "7", "--json").stdout)
    shown = " ".join(checks.run("06", "--seed", "7").stdout.split())
    faults = [fault for each in told["promises"] for fault in each.get("plan", "").splitlines()]
    assert faults
    assert all(f"fault: {fault}" in shown for fault in faults), shown


def test_no_broker(checks: Checks) -> None:
    done = checks.run("01", url="amqp://guest:s3cret@127.0.0.1:1/")
    assert done.returncode == 2
    assert "s3cret" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("setting", ["MANAGEMENT_URL", "AMQP_URL"])
def test_settings_that_cannot_be_read(setting: str, checks: Checks, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "amqp://guest:s3/cret@localhost/"
    with monkeypatch.context() as patch:
        patch.setenv("MANAGEMENT_URL", url)
        done = checks.run("01", url=url if setting == "AMQP_URL" else None)
    assert done.returncode == 2
    assert f"{setting} cannot be read" in done.stderr
    assert "cret" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_user_who_may_not_make_vhosts(
    checks: Checks, broker_url: str, vhost_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a vhost of its own it empties and uses the lesson's names, says so, and removes them."""
    management = Management.of(broker_url)
    monkeypatch.setenv("MANAGEMENT_URL", management.url)  # without a user who may
    user, vhost = f"learner-{os.getpid()}", quote(vhost_of(vhost_url), safe="")
    management.put(f"users/{user}", {"password": "secret", "tags": ""})
    try:
        management.put(f"permissions/{vhost}/{user}", EVERYTHING)
        url = f"amqp://{user}:secret@{urlsplit(vhost_url).netloc.rpartition('@')[2]}/{vhost}"
        done = checks.run("01", "--solution", url=url)
        left = management.get(f"queues/{vhost}?columns=name")
    finally:
        management.delete(f"users/{user}")
    assert done.returncode == 0, done.stderr
    assert "emptying and using lesson01.orders" in done.stderr
    assert left == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
def test_nothing_is_left_when_the_check_itself_is_killed(how: signal.Signals, checks: Checks) -> None:
    moment = random.Random(how)
    for _ in range(KILLINGS):
        process = checks.start("02")
        if how is signal.SIGINT:
            checks.until_it_has_begun(process)  # before, it is Python's own start that Ctrl-C meets
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moment.uniform(0.1, 2.5))
        checks.look()
        process.send_signal(how)
        done = checks.finish(process)
        assert "Traceback" not in done.stderr
        if how is signal.SIGINT:
            assert done.returncode in (0, 1), done.stderr


def test_done_exercise_is_noted_and_listed(checks: Checks) -> None:
    folder = checks.project / "lessons" / "01_first_event"
    shutil.copy(folder / "solution.py", folder / "exercise.py")
    assert checks.run("01").returncode == 0
    listed = subprocess.run(
        [sys.executable, "scripts/lesson.py", "list"],
        cwd=checks.project,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.split()[0] for line in listed.stdout.splitlines() if " yes " in line] == ["01"]


def test_reset_gives_the_starter_back_and_keeps_yours(checks: Checks) -> None:
    exercise = checks.project / "lessons" / "02_acknowledgements" / "exercise.py"
    starter = exercise.read_text(encoding="utf-8")
    exercise.write_text("mine", encoding="utf-8")
    checks.run("reset", "02")
    exercise.write_text("mine too", encoding="utf-8")
    checks.run("reset", "02")
    assert exercise.read_text(encoding="utf-8") == starter
    assert exercise.with_name("exercise.kept1.py").read_text(encoding="utf-8") == "mine"
    assert exercise.with_name("exercise.kept2.py").read_text(encoding="utf-8") == "mine too"


def test_watch_judges_again_at_each_save(checks: Checks) -> None:
    folder = checks.project / "lessons" / "01_first_event"
    process = checks.start("01", "--watch", "--json")
    assert json.loads(process.stdout.readline())["verdict"] == "broken"
    shutil.copy(folder / "solution.py", folder / "exercise.py")
    assert json.loads(process.stdout.readline())["verdict"] == "kept"
    process.send_signal(signal.SIGINT)
    assert checks.finish(process).returncode == 0
