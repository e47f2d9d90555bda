"""What goes wrong ends as one sentence and exit status 1, without a traceback and without the password."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType
from urllib.parse import urlsplit

import click
import pytest
from pika import URLParameters
from pika import exceptions as amqp
from pika.adapters.blocking_connection import BlockingChannel
from workbench.address import with_vhost
from workbench.lessons import LESSONS
from workbench.player import reader_environment
from workbench.ports import free
from workbench.terminal import Terminal

PRODUCER = LESSONS / "01_first_event" / "producer.py"
QUEUES = {
    "01_first_event": "lesson01.orders",
    "02_acknowledgements": "lesson02.orders",
    "03_publisher_confirms": "lesson03.packing",
    "05_sharing_the_work": "lesson05.packing",
    "06_idempotent_consumer": "lesson06.billing",
}
# Scripts that want to be told something before they connect.
ARGUMENTS = {
    "03_publisher_confirms/relay.py": ["python", "consumer.py"],
    "04_topic_routing/consumer.py": ["inventory", "order.*"],
    "09_ordering/producer.py": ["umbrella"],
}
CONSUMERS = [LESSONS / folder / "consumer.py" for folder in QUEUES]
WAITING_CONSUMERS = [each for each in CONSUMERS if not each.parent.name.startswith("03")]  # 03 never waits
SECRET = "s3cret-p4ss"
PROGRAM = """
import click
from connection import connect

@click.command()
def main():
    with connect() as connection:
        channel = connection.channel()
        {}

main()
"""

Run = Callable[..., CompletedProcess]


def by_lesson(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def repr_start(body: bytes) -> str:
    return repr(body[:8])


def assert_one_sentence(done: CompletedProcess, *said: str) -> None:
    complaint = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1, done.stderr
    assert complaint.startswith("Error: ")
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr + done.stdout
    for words in said:
        assert words in complaint


@pytest.fixture(autouse=True)
def _own_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts that keep books keep them here."""
    monkeypatch.setenv("LEDGER", str(tmp_path / "ledger.sqlite"))


@pytest.fixture
def web_server() -> Iterator[int]:
    """The port of a server that answers in HTTP, as a management page does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer_in_http, args=(server,))
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def answer_in_http(server: socket.socket) -> None:
    connection, _address = server.accept()
    with connection:
        connection.recv(64)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_no_broker(amqp_script: Path, run: Run) -> None:
    done = run(
        amqp_script,
        *ARGUMENTS.get(by_lesson(amqp_script), []),
        url=f"amqp://guest:{SECRET}@127.0.0.1:{free()[0]}/",
    )
    assert_one_sentence(done, "No broker answers", "scripts/broker.py up")


def test_wrong_password(run: Run, broker_url: str) -> None:
    host = urlsplit(broker_url).netloc.rpartition("@")[2]
    assert_one_sentence(run(PRODUCER, url=f"amqp://guest:{SECRET}@{host}/"), "refuses user guest", "AMQP_URL")


def test_wrong_vhost(run: Run, broker_url: str) -> None:
    done = run(PRODUCER, url=with_vhost(broker_url, "nobody-made-this"))
    assert_one_sentence(done, "no vhost nobody-made-this", "AMQP_URL")


def test_unknown_host(run: Run) -> None:
    done = run(PRODUCER, url=f"amqp://guest:{SECRET}@no-such-host.invalid/")
    assert_one_sentence(done, "No machine is called no-such-host.invalid")


def test_management_port(run: Run, web_server: int) -> None:
    done = run(PRODUCER, url=f"amqp://guest:{SECRET}@127.0.0.1:{web_server}/")
    assert_one_sentence(done, "does not answer in AMQP", "5672")


def test_a_broker_that_takes_the_connection_and_says_nothing(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        done = run(PRODUCER, url=f"amqp://guest:{SECRET}@127.0.0.1:{port}/?stack_timeout=1")
    assert_one_sentence(done, "does not answer in AMQP", "hangs")


@pytest.fixture
def hangs_up() -> Iterator[int]:
    """The port of something that resets each connection as soon as it is made."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listening:
        hanging_up = threading.Thread(target=hang_up, args=(listening,), daemon=True)
        hanging_up.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        hanging_up.join()


def hang_up(listening: socket.socket) -> None:
    with suppress(OSError):  # it listens no more
        while True:
            connection, _address = listening.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()


def test_a_broker_that_hangs_up_at_once(hangs_up: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMQP_URL", f"amqp://guest:{SECRET}@127.0.0.1:{hangs_up}/")
    connect = connection_module().connect
    for _ in range(100):  # pika notices in one of two places, by chance
        with (
            pytest.raises(click.ClickException, match="does not answer in AMQP|No broker answers"),
            connect(),
        ):
            pass


def test_tls_where_there_is_none(run: Run, broker_url: str) -> None:
    host = urlsplit(broker_url).netloc.rpartition("@")[2]
    assert_one_sentence(run(PRODUCER, url=f"amqps://guest:{SECRET}@{host}/"), "TLS", "amqp://")


@pytest.mark.parametrize(
    "url",
    [
        "localhost",
        "localhost:5672",
        f"amqp://guest:{SECRET}/x@localhost",
        f"amqp://guest:{SECRET}@localhost:port/",
        f"amqp://guest:{SECRET[:3]}[{SECRET}@localhost/",
        f"amqp://guest:{SECRET}@{'a' * 64}/",
        f"amqp://guest:{SECRET}@./",
        f"amqp://guest:{SECRET}@localhost/?ssl_options={{",
        f"amqps://guest:{SECRET}@localhost/?ssl_options=5",
    ],
)
def test_malformed_url(run: Run, url: str) -> None:
    assert_one_sentence(run(PRODUCER, url=url), "AMQP_URL is not of the form", "%2F")


def test_certificate_that_is_not_there(run: Run) -> None:
    url = f"amqps://guest:{SECRET}@localhost/?ssl_options={{'ca_certs': '/nowhere'}}"
    assert_one_sentence(run(PRODUCER, url=url), "No such file", "ssl_options")


@pytest.mark.parametrize("consumer", CONSUMERS, ids=by_lesson)
def test_queue_left_over_with_other_arguments(consumer: Path, run: Run, channel: BlockingChannel) -> None:
    channel.queue_declare(QUEUES[consumer.parent.name], durable=True, arguments={"x-max-length": 7})
    assert_one_sentence(run(consumer), "PRECONDITION_FAILED", "scripts/broker.py reset")


@pytest.mark.parametrize(
    "body", [b"hello", b"{}", b"[]", b"\xff\xfe", b'"A-0001"', b"[" * 200_000], ids=repr_start
)
@pytest.mark.parametrize("consumer", CONSUMERS, ids=by_lesson)
def test_body_that_is_no_order(consumer: Path, run: Run, channel: BlockingChannel, body: bytes) -> None:
    queue = QUEUES[consumer.parent.name]
    channel.queue_declare(queue, durable=True)
    channel.basic_publish("", queue, body)
    number = consumer.parent.name[:2]
    assert_one_sentence(run(consumer), "is not an order", f"scripts/broker.py reset --lesson {number}")


@pytest.fixture
def told(copied: Callable[[str], Path], run: Run) -> Callable[..., CompletedProcess]:
    """Runs these statements as a reader's program on a channel that connect() gives."""
    program = copied("01_first_event") / "program.py"

    def told(*statements: str) -> CompletedProcess:
        program.write_text(PROGRAM.format("\n        ".join(statements)))
        return run(program)

    return told


def test_message_that_no_queue_is_bound_for(told: Run) -> None:
    done = told("channel.confirm_delivery()", "channel.basic_publish('', 'nowhere', b'', mandatory=True)")
    assert_one_sentence(done, "No queue is bound", "lesson 03")


def test_message_that_a_full_queue_refuses(told: Run, channel: BlockingChannel) -> None:
    full = {"x-queue-type": "classic", "x-max-length": 0, "x-overflow": "reject-publish"}
    channel.queue_declare("full", durable=True, arguments=full)
    done = told("channel.confirm_delivery()", "channel.basic_publish('', 'full', b'')")
    assert_one_sentence(done, "refuses a message", "full", "then run this again")


@pytest.mark.parametrize("auto_ack", [True, False])
def test_delivery_that_is_acknowledged_too_often(told: Run, channel: BlockingChannel, auto_ack: bool) -> None:
    channel.queue_declare("orders", durable=True)
    channel.basic_publish("", "orders", b"")
    done = told(
        f"method, _properties, _body = channel.basic_get('orders', auto_ack={auto_ack})",
        *["channel.basic_ack(method.delivery_tag)"] * 2,
        "channel.queue_declare('orders', passive=True)",
    )
    assert_one_sentence(done, "unknown delivery tag 1", "acknowledge each delivery once", "auto_ack")
    assert "reset" not in done.stderr


def test_nobody_is_asked_where_standard_input_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = module_at(LESSONS / "02_acknowledgements" / "ledger.py")
    monkeypatch.setattr("sys.stdin", None)
    assert ledger.guess("How many", as_json=False) is None


def connection_module() -> ModuleType:
    """What every lesson calls `connection`."""
    return module_at(PRODUCER.with_name("connection.py"))


def module_at(path: Path) -> ModuleType:
    """A script as a module, without its folder in the path of modules."""
    spec = spec_from_file_location(path.stem, path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("query", "seconds"), [("", 30), ("?blocked_connection_timeout=5", 5), ("?heartbeat=7", 30)]
)
def test_nobody_waits_for_ever_for_a_blocked_broker(
    query: str, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMQP_URL", f"amqp://localhost/{query}")
    assert connection_module().broker_address().blocked_connection_timeout == seconds


CLOSED_IN_A_SENTENCE = [
    (
        amqp.ChannelClosedByBroker(406, "PRECONDITION_FAILED - message size 9 is larger than configured max"),
        "keep what is large elsewhere",
    ),
    (
        amqp.ChannelClosedByBroker(406, "PRECONDITION_FAILED - queue limit in vhost 'x' (3) is reached"),
        "broker.py status",
    ),
    (
        amqp.ConnectionClosedByBroker(320, "CONNECTION_FORCED - Closed via management plugin"),
        "Closed via management plugin",
    ),
    (
        amqp.ProbableAccessDeniedError(
            repr(
                amqp.ConnectionClosedByBroker(
                    530,
                    "NOT_ALLOWED - access to vhost 'x' refused for user 'u': connection limit (1) is reached",
                )
            )
        ),
        "connection limit (1) is reached",
    ),
]


@pytest.mark.parametrize(("error", "said"), CLOSED_IN_A_SENTENCE)
def test_what_the_broker_said_is_told(error: Exception, said: str) -> None:
    sentence = connection_module().in_a_sentence(error, URLParameters("amqp://localhost/x")).message
    assert said in sentence
    assert "broker.py reset" not in sentence
    assert "No broker answers" not in sentence


def test_bad_option(script: Path, run: Run) -> None:
    done = run(script, "--no-such-option")
    assert done.returncode == (
        1 if script.name == "relay.py" else 2
    )  # the relay takes it for a program's name
    assert "Traceback" not in done.stderr
    assert "--help" in done.stderr


@pytest.mark.parametrize("options", ["", "--limit 5"])
@pytest.mark.parametrize("consumer", WAITING_CONSUMERS, ids=by_lesson)
def test_queue_is_deleted_under_a_consumer(
    consumer: Path, options: str, vhost_url: str, channel: BlockingChannel
) -> None:
    terminal = waiting(consumer, vhost_url, options)
    until_consumed(channel, QUEUES[consumer.parent.name])
    channel.queue_delete(QUEUES[consumer.parent.name])
    until_ended(terminal)
    assert terminal.exit_status == 1
    assert terminal.lines[1:] == [
        f"Error: Somebody deleted {QUEUES[consumer.parent.name]}; start again with: python consumer.py"
    ]


@pytest.mark.parametrize("consumer", WAITING_CONSUMERS, ids=by_lesson)
def test_ctrl_c_is_a_normal_ending(consumer: Path, vhost_url: str) -> None:
    terminal = waiting(consumer, vhost_url)
    terminal.interrupt()
    until_ended(terminal)
    assert terminal.exit_status == 0
    assert terminal.lines[-1].startswith("^Cstopped; ")


def waiting(consumer: Path, url: str, options: str = "") -> Terminal:
    """The consumer in a terminal, when it has said that it waits."""
    terminal = Terminal(consumer.parent, reader_environment(url))
    terminal.start(f"python {consumer.name} {options}")
    while terminal.running and not terminal.lines:
        terminal.read()
    assert terminal.lines[0].startswith("waiting for orders")
    return terminal


def until_consumed(channel: BlockingChannel, queue: str) -> None:
    """Until the broker knows of a consumer there: it says so a moment before it is one."""
    while not channel.queue_declare(queue, passive=True).method.consumer_count:
        channel.connection.sleep(0.05)


def until_ended(terminal: Terminal) -> None:
    while terminal.running:
        terminal.read()
