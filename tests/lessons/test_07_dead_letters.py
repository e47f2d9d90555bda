"""Lesson 07: what its page claims of brokers, and that looking and replaying lose and reorder nothing."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from workbench.broker.probe import greeting
from workbench.lessons import LESSONS
from workbench.player import reader_environment
from workbench.wire import Cut, CutAfter, Event, Fault, FaultPlan, Kill, When, Wire

LESSON = LESSONS / "07_dead_letters"
ORIGIN, DEAD = "lesson07.origin", "lesson07.dead"
DEAD_LETTERS = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}
CLASSIC = {"x-queue-type": "classic"}
QUORUM = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}
LETTERS = ["a", "b", "c", "d"]
MORE_THAN_THE_DEFAULT_LIMIT = 25
MAX_SECONDS = 60
PATIENT_SECONDS = 300

Run = Callable[..., CompletedProcess]
Copied = Callable[[str], Path]


@pytest.fixture
def letters(channel: BlockingChannel) -> BlockingChannel:
    """A channel on a vhost where four messages have died, in a classic queue for dead letters."""
    die(channel, CLASSIC)
    return channel


def die(channel: BlockingChannel, kind: dict) -> None:
    """Publish the letters in the origin and reject them."""
    channel.confirm_delivery()
    channel.queue_declare(DEAD, durable=True, arguments=kind)
    channel.queue_declare(ORIGIN, durable=True, arguments={**CLASSIC, **DEAD_LETTERS})
    for letter in LETTERS:
        headers = {"customer": "Alice"}
        properties = pika.BasicProperties(message_id=letter, delivery_mode=2, app_id="shop", headers=headers)
        channel.basic_publish("", ORIGIN, letter.encode(), properties, mandatory=True)
        method, _properties, _body = channel.basic_get(ORIGIN)
        channel.basic_reject(method.delivery_tag, requeue=False)
    until_ready(channel, DEAD, len(LETTERS))


def until_ready(channel: BlockingChannel, queue: str, count: int) -> None:
    """Until so many messages wait there."""
    for _ in range(MAX_SECONDS * 20):
        if channel.queue_declare(queue, passive=True).method.message_count == count:
            return
        channel.connection.sleep(0.05)
    raise AssertionError(f"{queue} never had {count} messages")


def taken(channel: BlockingChannel, queue: str) -> list[str]:
    """Take all that is there: the bodies."""
    return [body.decode() for _properties, body in messages(channel, queue)]


def messages(channel: BlockingChannel, queue: str) -> list[tuple[pika.BasicProperties, bytes]]:
    found = []
    while (got := channel.basic_get(queue, auto_ack=True))[0]:
        found.append(got[1:])
    return found


def behind_wire(
    url: str, plan: FaultPlan, *command: str, observer: Callable[[Event], None] = lambda _event: None
) -> CompletedProcess:
    """Run a script of the lesson behind the wire, which carries out the plan."""
    started: list[subprocess.Popen] = []
    with Wire(url, plan, observer=observer, kill=lambda _name: started[0].kill()) as wire:
        environ = reader_environment(wire.address_for("script"))
        arguments = [sys.executable, str(LESSON / command[0]), *command[1:]]
        with subprocess.Popen(
            arguments, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            started.append(process)
            out, err = process.communicate(timeout=MAX_SECONDS)
    return CompletedProcess(arguments, process.returncode, out, err)


def test_experiment(copied: Copied, run: Run) -> None:
    done = run(copied("07_dead_letters") / "experiment.py", "--json")

    assert done.returncode == 0, done.stderr
    trials = {trial["name"]: trial for trial in json.loads(done.stdout)["trials"]}
    requeue, reject, kills, limit, no_queue = trials.values()
    assert [trial["broken"] for trial in trials.values()] == [True, False, True, False, True]
    assert requeue["handled"] == 0
    assert requeue["waiting"] == 10
    assert kills["handled"] == 0
    assert kills["waiting"] == 10
    for trial in (reject, limit):
        assert (trial["handled"], trial["dead"], trial["lost"]) == (9, 1, 0)
    assert limit["tries"] == 4
    assert (no_queue["handled"], no_queue["dead"], no_queue["lost"]) == (9, 0, 1)


@pytest.mark.patient
def test_table_of_the_patient_experiment_is_what_the_page_shows(copied: Copied, run: Run) -> None:
    """Its rows are the last two of `experiment.py --patient`, which waits three minutes for the broker."""
    page = (LESSON / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"experiment\.py --patient`.*?```\n(.*?)```", page, re.DOTALL)[1].splitlines()

    done = run(copied("07_dead_letters") / "experiment.py", "--patient", seconds=PATIENT_SECONDS)

    assert done.returncode == 0, done.stderr
    printed = [line.rstrip() for line in done.stdout.splitlines() if not line.startswith("Measured: ")]
    assert [printed[0], *printed[-2:]] == shown


def test_limits_are_what_the_page_says(run: Run, vhost_url: str) -> None:
    version = greeting(pika.URLParameters(vhost_url))["version"]
    page = (LESSON / "README.md").read_text(encoding="utf-8")
    table = re.search(r"^\| a quorum queue, (?:.+\n)+", page, re.MULTILINE)[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
    versions = rows[0][1:]
    column = next((number for number, each in enumerate(versions, 1) if version.startswith(f"{each}.")), None)
    if column is None:
        pytest.skip(f"the page does not speak of RabbitMQ {version}")

    done = run(LESSON / "limits.py")

    assert done.returncode == 0, done.stderr
    answers = [re.split(r"  +", line) for line in done.stdout.splitlines()]
    assert answers == [[row[0], row[column]] for row in rows[2:]]


@pytest.mark.parametrize("kind", [CLASSIC, QUORUM], ids=["classic", "quorum"])
def test_looking_often_changes_nothing(kind: dict, channel: BlockingChannel, run: Run) -> None:
    die(channel, kind)
    for _ in range(MORE_THAN_THE_DEFAULT_LIMIT):
        done = run(LESSON / "peek.py")
        assert [line.split()[0] for line in done.stdout.splitlines()] == LETTERS
    assert taken(channel, DEAD) == LETTERS


@pytest.mark.parametrize("kind", [CLASSIC, QUORUM], ids=["classic", "quorum"])
@pytest.mark.parametrize("plan", [FaultPlan(), FaultPlan((Fault(When("nack"), Kill()),))], ids=["", "killed"])
@pytest.mark.parametrize("options", [[], ["--most", "2"]], ids=["all", "two"])
def test_what_dies_while_somebody_looks_comes_last(
    kind: dict, plan: FaultPlan, options: list[str], channel: BlockingChannel, vhost_url: str
) -> None:
    """One comes in while others are held: a queue that puts back at its end would change the order."""
    die(channel, kind)
    arrived = []

    def let_one_die(event: Event) -> None:
        if event.kind == "get-ok" and not arrived:
            arrived.append("e")
            with pika.BlockingConnection(pika.URLParameters(vhost_url)) as connection:
                other = connection.channel()
                other.confirm_delivery()
                other.basic_publish("", DEAD, b"e")

    done = behind_wire(vhost_url, plan, "peek.py", *options, observer=let_one_die)

    assert done.returncode == (-9 if plan.faults else 0), done.stderr
    until_ready(channel, DEAD, len(LETTERS) + 1)
    assert taken(channel, DEAD) == [*LETTERS, "e"]


def test_look_tells_reason_count_origin_and_age(letters: BlockingChannel, run: Run) -> None:
    letters.basic_publish("", DEAD, b"not dead", pika.BasicProperties())

    lines = run(LESSON / "peek.py").stdout.splitlines()

    assert re.fullmatch(r"a  rejected 1x  lesson07\.origin  \d+ s ago", lines[0])
    assert re.fullmatch(r"body-[0-9a-f]{8}  published here by somebody, not dead-lettered", lines[-1])


def test_replay_takes_the_chosen_only(letters: BlockingChannel, run: Run) -> None:
    done = run(LESSON / "replay.py", "d", "b")

    assert done.stdout.splitlines() == ["replayed b to lesson07.origin", "replayed d to lesson07.origin"]
    assert taken(letters, DEAD) == ["a", "c"]
    (properties, body), (_properties, second) = messages(letters, ORIGIN)
    assert (body, second) == (b"b", b"d")
    assert properties.headers == {"customer": "Alice", "replayed": 1}
    assert (properties.message_id, properties.delivery_mode, properties.app_id) == ("b", 2, "shop")


@pytest.mark.parametrize(
    ("fault", "twice"),
    [
        (Fault(When("publish"), Kill()), False),
        (Fault(When("confirm"), Kill()), True),
        (Fault(When("ack"), Kill()), True),
        (Fault(When("publish"), Cut()), False),
        (Fault(When("publish"), CutAfter()), True),
        (Fault(When("ack"), Cut()), True),
        (Fault(When("nack"), Kill()), False),
    ],
    ids=str,
)
def test_replay_may_be_stopped_at_any_moment(
    fault: Fault, twice: bool, letters: BlockingChannel, vhost_url: str
) -> None:
    """The letter is in one of the two places, or in both where the broker had it and we did not know."""
    done = behind_wire(vhost_url, FaultPlan((fault,)), "replay.py", "b")

    assert done.returncode in (-9, 1), done.stderr
    assert "Traceback" not in done.stderr
    came_back = fault.when.kind in ("nack",)
    until_ready(letters, DEAD, len(LETTERS) - came_back)
    assert taken(letters, DEAD) == (["a", "c", "d"] if came_back else LETTERS)
    assert taken(letters, ORIGIN) == (["b"] if twice or came_back else [])


def test_replay_to_a_queue_that_is_gone(letters: BlockingChannel, run: Run) -> None:
    letters.queue_delete(ORIGIN)
    done = run(LESSON / "replay.py", "b")
    assert_refused(done, "b stays where it was: lesson07.origin is not there")
    until_ready(letters, DEAD, len(LETTERS))
    assert taken(letters, DEAD) == LETTERS


def test_replay_to_a_queue_that_is_full(letters: BlockingChannel, run: Run) -> None:
    letters.queue_delete(ORIGIN)
    full = {**CLASSIC, "x-max-length": 1, "x-overflow": "reject-publish"}
    letters.queue_declare(ORIGIN, durable=True, arguments=full)
    letters.basic_publish("", ORIGIN, b"first")
    done = run(LESSON / "replay.py", "b")
    assert_refused(done, "b stays where it was: lesson07.origin takes no more")
    until_ready(letters, DEAD, len(LETTERS))
    assert taken(letters, DEAD) == LETTERS


def test_replay_of_what_did_not_die(letters: BlockingChannel, run: Run) -> None:
    letters.basic_publish("", DEAD, b"x", pika.BasicProperties(message_id="x"))
    assert_refused(run(LESSON / "replay.py", "x"), "x did not die in a queue")
    assert_refused(run(LESSON / "replay.py", "y"), "No dead letter y; see: python peek.py")
    assert_refused(run(LESSON / "replay.py"), "No dead letter was named")
    until_ready(letters, DEAD, len(LETTERS) + 1)


def assert_refused(done: CompletedProcess, words: str) -> None:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert words in done.stderr


def test_replay_ends_though_what_it_sends_dies_again(letters: BlockingChannel, run: Run) -> None:
    letters.queue_delete(ORIGIN)
    dies_at_once = {**CLASSIC, **DEAD_LETTERS, "x-message-ttl": 0}
    letters.queue_declare(ORIGIN, durable=True, arguments=dies_at_once)

    done = run(LESSON / "replay.py", "b")

    assert done.stdout.splitlines() == ["replayed b to lesson07.origin"]
    until_ready(letters, DEAD, len(LETTERS))
    assert "b  expired 1x  lesson07.origin  replayed 1x" in run(LESSON / "peek.py").stdout
    assert taken(letters, DEAD) == ["a", "c", "d", "b"]
