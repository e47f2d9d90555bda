"""A broker anywhere: which one it is, starting and stopping our own, one sentence for all that goes wrong.

Brokers are started on ports of their own, in copies of the project: the broker under test is never stopped.
"""

import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import click
import pika
import pytest
from project_copy import Project, copy_project, is_one_sentence
from workbench import address, ports
from workbench.bench import bench
from workbench.bench.judge import Exercise, Judge
from workbench.broker import choice, compose, native
from workbench.broker.probe import NoAnswer, ask
from workbench.lessons import find_lesson
from workbench.management import (
    EVERYTHING,
    Management,
    ManagementError,
    clear_vhosts,
    make_vhost,
    throwaway_vhost,
    vhost_names,
)
from workbench.wire import Fault, FaultPlan, Mute, When, Wire

needs_native = pytest.mark.skipif(not native.server_script(), reason="rabbitmq-server is not installed")
needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture
def project(tmp_path):
    """A copy of the project whose broker would have ports of its own."""
    return Project(copy_project(tmp_path / "a copy"), **own_ports())


def own_ports() -> dict[str, str]:
    """Settings that keep a broker away from everybody else's ports."""
    return dict(zip(("AMQP_PORT", "MANAGEMENT_PORT"), map(str, ports.free(2)), strict=True))


@pytest.fixture
def node(project):
    """The project with its private node up; nothing of it is left afterwards."""
    up = project.broker("up", "--way", "native")
    assert up.returncode == 0, up.stderr
    yield project
    assert project.broker("down").returncode == 0
    assert processes_of(project) == []


def url_of(project: Project) -> str:
    return address.broker_url(project.environ)


def processes_of(project: Project) -> list[int]:
    """The processes whose working folder is the copy's .broker: the node, its epmd and their helpers."""
    found = [entry for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [int(entry.name) for entry in found if works_in(entry, project.folder / ".broker")]


def works_in(entry: Path, folder: Path) -> bool:
    try:
        return Path(os.readlink(entry / "cwd")) == folder
    except OSError:  # it ended just now, or is somebody else's
        return False


def listening_addresses(pid: int) -> set[str]:
    """The local addresses, in hexadecimal as in /proc/net, at which a process listens for TCP."""
    own = {os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()}
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()
    ]
    return {line[1].rpartition(":")[0] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in own}


def put_persistent_and_transient(url: str, queue: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.queue_declare(queue, durable=True)
        channel.confirm_delivery()
        for mode in (pika.DeliveryMode.Persistent, pika.DeliveryMode.Transient):
            channel.basic_publish("", queue, mode.name, pika.BasicProperties(delivery_mode=mode.value))


def bodies(url: str, queue: str) -> list[bytes]:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        count = channel.queue_declare(queue, passive=True).method.message_count
        return [channel.basic_get(queue, auto_ack=True)[2] for _ in range(count)]


@needs_native
@needs_linux
def test_a_private_node_from_up_to_down(node, broker_url, monkeypatch):
    told = json.loads(node.broker("status", "--json").stdout)
    assert told["way"] == "native"
    assert told["url"] == address.hidden(url_of(node))
    assert told["management"] == address.management_url(node.environ)

    again = node.broker("up")
    assert again.returncode == 0
    assert "up already" in again.stderr

    assert_all_on_loopback(node)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("MANAGEMENT_URL", address.management_url(node.environ))
        with pytest.raises(ManagementError, match="is another broker's: set MANAGEMENT_URL"):
            make_vhost(broker_url, "made-on-another-broker")
        done = node.broker("reset", "--vhosts", "--yes", AMQP_URL=broker_url)
        assert (done.returncode, is_one_sentence(done)) == (1, True)
        assert "is another broker's: set MANAGEMENT_URL" in done.stderr
    put_persistent_and_transient(url_of(node), "lesson03.orders")
    assert node.broker("restart").returncode == 0
    assert bodies(url_of(node), "lesson03.orders") == [b"Persistent"]
    assert "user 'guest' authenticated" in node.broker("logs").stdout

    os.kill(state_of(node)["node"]["pid"], signal.SIGKILL)
    silent = node.broker("status")
    assert (silent.returncode, is_one_sentence(silent)) == (1, True)
    assert "python3 scripts/broker.py up" in silent.stderr
    left_over = state_of(node)["epmd"]["pid"]
    assert node.broker("up", "--way", "native").returncode == 0
    assert left_over not in processes_of(node)


@needs_native
def test_a_broker_that_blocks_publishers_says_so_and_is_not_judged_on(project, monkeypatch):
    configuration = project.folder / ".broker/conf.d/short.conf"
    configuration.parent.mkdir(parents=True)
    configuration.write_text("vm_memory_high_watermark.absolute = 1\n")
    try:
        assert project.broker("up", "--way", "native").returncode == 0
        status = project.broker("status").stdout
        told = json.loads(project.broker("status", "--json").stdout)
        monkeypatch.setenv("MANAGEMENT_URL", address.management_url(project.environ))
        monkeypatch.setattr(bench, "BLOCKED_SECONDS", 2.0)
        verdicts = [
            Judge(
                Exercise(find_lesson(number)), [sys.executable, "solution.py"], url_of(project), 1
            ).verdict()
            for number in ("01", "03")
        ]
    finally:
        assert project.broker("down").returncode == 0
    assert "short of         memory: it blocks publishers until it has more" in status
    assert told["short_of"] == ["memory"]
    for verdict in verdicts:
        assert verdict.word == "unjudged"
        assert "short of memory or disk" in str(verdict.unjudged.unjudged)


def state_of(project: Project) -> dict:
    """What the copy notes about its private node."""
    return json.loads((project.folder / ".broker/node.json").read_text())


def assert_all_on_loopback(node: Project) -> None:
    """The node and its epmd listen, and nowhere but on loopback."""
    listeners = {pid: listening_addresses(pid) for pid in processes_of(node)}
    assert set().union(*listeners.values()) <= {"0100007F", "0" * 24 + "01000000"}, listeners
    assert sum(bool(addresses) for addresses in listeners.values()) == 2


@needs_linux
def test_a_number_that_now_belongs_to_another_process_is_left_alone(project):
    with subprocess.Popen(["sleep", "60"]) as bystander:
        (project.folder / ".broker").mkdir()
        stale = {"pid": bystander.pid, "born": "1"}
        state = {"node": stale, "epmd": stale, "amqp_port": 1, "management_port": 2}
        (project.folder / ".broker/node.json").write_text(json.dumps(state))
        down = project.broker("down")
        assert (down.returncode, "nothing to stop" in down.stderr) == (0, True)
        assert bystander.poll() is None
        bystander.kill()


@needs_native
def test_a_node_that_cannot_start_says_why_and_leaves_nothing(project):
    (project.folder / ".broker").mkdir()
    (project.folder / ".broker/data").write_text("not a folder")
    up = project.broker("up", "--way", "native")
    assert up.returncode == 1
    assert "the private node did not start" in up.stderr.splitlines()[-1]
    assert "Traceback" not in up.stderr
    assert processes_of(project) == []


def test_compose_from_up_to_down(project):
    if reason := compose.why_not():
        pytest.skip(reason)
    project.environ["COMPOSE_PROJECT_NAME"] = f"rabbit-holes-test-{os.getpid()}"
    try:
        up = project.broker("up", "--way", "docker")
        if "cannot get the image" in up.stderr:
            pytest.skip(up.stderr.strip())
        assert up.returncode == 0, up.stderr
        assert json.loads(project.broker("status", "--json").stdout)["way"] == "docker"
        put_persistent_and_transient(url_of(project), "lesson03.orders")
        assert project.broker("restart").returncode == 0
        assert bodies(url_of(project), "lesson03.orders") == [b"Persistent"]

        other = Project(copy_project(project.folder.parent / "another copy"), **project.environ)
        refused = other.broker("up", "--way", "docker", **own_ports())
        assert (refused.returncode, "same project name" in refused.stderr) == (1, True)
        assert project.broker("down").returncode == 0
        assert project.broker("status").returncode == 1
    finally:
        command = ["docker", "compose", "down", "--volumes"]
        subprocess.run(command, cwd=project.folder, env=project.environ, capture_output=True, check=True)


def test_two_copies_are_two_projects_in_compose(project):
    if reason := compose.why_not():
        pytest.skip(reason)
    other = Project(copy_project(project.folder.parent / "another copy"))
    assert project_name(project) != project_name(other)


def project_name(project: Project) -> str:
    """The name under which `docker compose`, typed by hand, knows what runs from this copy."""
    command = ["docker", "compose", "config", "--format", "json"]
    done = subprocess.run(command, cwd=project.folder, env=project.environ, capture_output=True, check=True)
    return json.loads(done.stdout)["name"]


def test_a_foreign_broker_is_used_and_never_stopped(project, broker_url):
    for command in ("down", "restart", "logs"):
        done = project.broker(command, AMQP_URL=broker_url)
        assert (done.returncode, is_one_sentence(done)) == (1, True)
        assert "this project did not start the broker" in done.stderr
    up = project.broker("up", AMQP_URL=broker_url)
    assert (up.returncode, "named by AMQP_URL" in up.stdout) == (0, True)


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """Puts a `docker` into PATH that does this, and notes that it was asked; returns the note's path."""

    def put(does: str) -> Path:
        program = tmp_path / "bin" / "docker"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\necho asked >> '{tmp_path}/asked'\n{does}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        return tmp_path / "asked"

    return put


def test_docker_is_not_asked_for_a_broker_that_is_named(docker, broker_url, monkeypatch):
    asked = docker("exec sleep 100")
    monkeypatch.setenv("AMQP_URL", broker_url)
    assert choice.ensure_up().way == choice.GIVEN
    assert not asked.exists()


def test_docker_is_not_asked_for_a_broker_elsewhere(docker, monkeypatch):
    asked = docker("exec sleep 100")
    monkeypatch.setenv("AMQP_URL", "amqp://guest:guest@broker.example/")
    with pytest.raises(click.ClickException, match="did not start the broker that AMQP_URL names"):
        choice.own()
    assert not asked.exists()


def test_a_docker_that_fails_is_no_failure_of_a_broker_that_answers(docker, monkeypatch):
    monkeypatch.delenv("AMQP_URL", raising=False)
    asked = docker('case "$1 $2" in version*|"compose version") exit 0;; esac; exit 14')
    assert choice.way_of("amqp://guest:guest@localhost:1/") == choice.FOUND
    assert asked.exists()


def test_a_docker_that_hangs_is_told_in_a_sentence(docker, monkeypatch):
    monkeypatch.setattr(compose, "ENGINE_SECONDS", 0.2)
    docker("exec sleep 100")
    with pytest.raises(click.ClickException, match=r"`docker compose ps` failed \(no answer within 0.2 s\)"):
        compose.containers()


UNREADABLE = ["amqp://guest:se/cret@localhost/", "amqp://guest:12/cret@localhost/", "amqp://g:se[cret@h/"]


@pytest.mark.parametrize("url", UNREADABLE)
@pytest.mark.parametrize("command", ["down", "restart", "logs", "status", "up"])
def test_a_url_that_cannot_be_read_is_not_shown(project, command, url):
    done = project.broker(command, AMQP_URL=url)
    assert (done.returncode, is_one_sentence(done)) == (1, True), done.stderr
    assert "AMQP_URL cannot be read" in done.stderr
    assert "cret" not in done.stdout + done.stderr


def test_status_tells_the_version_and_hides_the_password(project, broker_url):
    done = project.broker("status", "--json", AMQP_URL=broker_url)
    told = json.loads(done.stdout)
    assert told["way"] == "given"
    assert told["product"] == "RabbitMQ"
    assert told["version"][0].isdecimal()
    assert urlsplit(told["url"]).password == "***"


def change(url: str, **parts: str) -> str:
    """The URL with another user, password, host, port, path or scheme."""
    old = urlsplit(url)
    new = {
        "scheme": old.scheme,
        "user": old.username,
        "password": old.password,
        "host": old.hostname,
        "port": old.port or 5672,
        "path": old.path,
    } | parts
    return f"{new['scheme']}://{new['user']}:{new['password']}@{new['host']}:{new['port']}{new['path']}"


def test_a_broker_that_lets_nobody_in_is_told(broker_url):
    silent_after_its_greeting = FaultPlan((Fault(When("connect", nth=2), Mute()),))
    words = "lets nobody in within 1 s: read its log, or restart it"
    with Wire(broker_url, silent_after_its_greeting) as wire, pytest.raises(NoAnswer, match=words):
        ask(wire.address_for("asker"), timeout=0.5)


def test_vhosts_are_listed_also_while_one_is_being_deleted(broker_url):
    management = Management.of(broker_url)
    with ThreadPoolExecutor(1) as pool:
        for _ in range(20):
            with throwaway_vhost(broker_url, "brief") as url:
                deleting = pool.submit(management.delete, f"vhosts/{address.vhost_of(url)}")
                while not deleting.done():
                    assert "/" in vhost_names(management)
                deleting.result()


def test_a_limit_of_connections_is_told_as_what_it_is(broker_url):
    with throwaway_vhost(broker_url, "full") as url:
        vhost = address.vhost_of(url)
        Management.of(url).put(f"vhost-limits/{vhost}/max-connections", {"value": 0})
        with pytest.raises(NoAnswer, match=r"nobody else in \(.*connection limit \(0\) is reached\): end"):
            ask(url)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"port": "1"}, "nothing listens at"),
        ({"host": "no-such-host.invalid"}, "no host is called no-such-host.invalid"),
        ({"password": "secret"}, "refuses this user and password"),
        ({"path": "/no-such-vhost"}, "has no vhost no-such-vhost"),
        ({"port": "management"}, "does not answer in AMQP: that is the management page"),
        ({"scheme": "amqps"}, "does not speak AMQP over TLS: write amqp://"),
        ({"scheme": "http"}, "does not begin with amqp://"),
        ({"port": "secret"}, "AMQP_URL cannot be read"),
        ({"host": "a" * 64}, f"no host is called {'a' * 64}"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_each_failure_is_one_sentence(project, broker_url, parts, sentence):
    management = urlsplit(address.management_url({**os.environ, "AMQP_URL": broker_url}))
    if parts.get("port") == "management":
        parts = {"port": str(management.port)}
    url = change(broker_url, **parts)
    done = project.broker("status", AMQP_URL=url, MANAGEMENT_PORT=str(management.port))
    assert done.returncode == 1
    assert sentence in done.stderr
    assert is_one_sentence(done), done.stderr
    assert "secret" not in done.stderr


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    """A key and a certificate that nobody trusts."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not on this machine")
    folder = tmp_path_factory.mktemp("tls")
    subject = ["-subj", "/CN=localhost", "-days", "1", "-nodes"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", *subject, *files], check=True, capture_output=True
    )
    return folder


@pytest.mark.parametrize(
    ("scheme", "sentence"), [("amqps", "is not trusted"), ("amqp", "amqps:// if it wants TLS")]
)
def test_tls_that_is_not_trusted_or_not_expected(project, certified, scheme, sentence):
    [port] = ports.free()
    command = [
        "openssl",
        "s_server",
        "-accept",
        f"127.0.0.1:{port}",
        "-key",
        "key.pem",
        "-cert",
        "certificate.pem",
    ]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, cwd=certified, **pipes) as server:
        try:
            while b"ACCEPT" not in server.stdout.readline():
                assert server.poll() is None
            done = project.broker("status", AMQP_URL=f"{scheme}://localhost:{port}/")
        finally:
            server.kill()
    assert (done.returncode, is_one_sentence(done)) == (1, True)
    assert sentence in done.stderr


NOBODYS_BUSINESS = {"lesson.orders", "my.lesson02", "lesson2024-grades"}


@pytest.fixture
def littered(broker_url):
    """The URL of a vhost with what two lessons left, and with what is nobody's business."""
    with throwaway_vhost(broker_url, "test-reset") as url:
        with pika.BlockingConnection(pika.URLParameters(url)) as connection:
            channel = connection.channel()
            for queue in ("lesson02.orders", "lesson03.orders", *NOBODYS_BUSINESS):
                channel.queue_declare(queue, durable=True)
            channel.exchange_declare("lesson04.events", "topic", durable=True)
        yield url


def names(url: str) -> set[str]:
    """The queues, and the exchanges that are not the broker's own, of the URL's vhost."""
    management = Management.of(url)
    vhost = address.vhost_of(url)
    every = management.get(f"queues/{vhost}?columns=name") + management.get(f"exchanges/{vhost}?columns=name")
    return {each["name"] for each in every if each["name"] and not each["name"].startswith("amq.")}


def reset(project: Project, url: str, *arguments: str) -> subprocess.CompletedProcess:
    management_url = address.management_url({**os.environ, "AMQP_URL": url})
    return project.broker("reset", *arguments, AMQP_URL=url, MANAGEMENT_URL=management_url)


def test_reset_removes_what_lessons_made_and_nothing_else(project, littered):
    done = reset(project, littered, "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "queue",
        "lesson02.orders",
        "queue",
        "lesson03.orders",
        "exchange",
        "lesson04.events",
    ]
    assert names(littered) == NOBODYS_BUSINESS


def test_reset_of_one_lesson_leaves_the_others(project, littered):
    assert reset(project, littered, "--lesson", "02", "--yes").returncode == 0
    assert reset(project, littered, "--lesson", "20", "--yes").returncode == 0
    assert names(littered) == NOBODYS_BUSINESS | {"lesson03.orders", "lesson04.events"}


def test_reset_asks_nobody_and_so_does_nothing(project, littered):
    done = reset(project, littered)
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert "lesson02.orders" in names(littered)


def test_reset_removes_vhosts_that_were_left_behind_if_it_is_told_to(project, littered):
    left, in_use = (f"lesson77-{secrets.token_hex(4)}" for _ in range(2))
    management = Management.of(littered)
    for vhost in (left, in_use):
        make_vhost(littered, vhost)
    try:
        with pika.BlockingConnection(pika.URLParameters(address.with_vhost(littered, in_use))):
            until(
                lambda: in_use in [each.get("vhost") for each in management.get("connections?columns=vhost")]
            )
            assert left not in reset(project, littered, "--lesson", "77").stdout
            done = reset(project, littered, "--lesson", "77", "--vhosts", "--yes")
        assert f"vhost {left}\n" in done.stdout
        assert vhost_names(management) & {left, in_use} == {in_use}
    finally:
        clear_vhosts(management, [left, in_use], "reset")


def until(condition: Callable[[], bool]) -> None:
    """Wait for what the management API tells a moment later."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_who_is_refused_by_the_management_api_is_told_so_and_resets_without_it(
    broker_url, untagged, tmp_path
):
    project = Project(copy_project(tmp_path / "with lessons", "lessons"))
    page = Management.of(broker_url).url
    with pika.BlockingConnection(pika.URLParameters(untagged)) as connection:
        for queue in ("lesson02.orders", "lesson.orders"):
            connection.channel().queue_declare(queue, durable=True)
    status = project.broker("status", AMQP_URL=untagged, MANAGEMENT_URL=page)
    done = project.broker("reset", "--yes", AMQP_URL=untagged, MANAGEMENT_URL=page)
    assert f"management page  {page}, which refuses the user untagged-" in status.stdout
    assert (done.returncode, done.stdout) == (0, "queue lesson02.orders\n"), done.stderr
    admin = urlsplit(broker_url)
    assert names(change(untagged, user=admin.username, password=admin.password)) == {"lesson.orders"}


def test_what_speaks_no_http_is_no_management_api(project, broker_url):
    amqp = f"http://{urlsplit(broker_url).hostname}:{urlsplit(broker_url).port or 5672}"
    done = project.broker("reset", "--yes", AMQP_URL=broker_url, MANAGEMENT_URL=amqp)
    assert (done.returncode, is_one_sentence(done)) == (1, True), done.stderr
    # A broker that closes before it has read all that we sent resets the connection: then its answer is lost.
    why = r"\((what listens there does not speak HTTP|.*Connection reset by peer)\)"
    assert re.search(f"no management API answers at {amqp} {why}: ", done.stderr), done.stderr


def test_reset_asks_nobody_where_there_is_no_stdin(project, littered):
    environ = {"AMQP_URL": littered, "MANAGEMENT_URL": Management.of(littered).url}
    command = f"exec {shlex.quote(sys.executable)} scripts/broker.py reset <&-"
    done = subprocess.run(
        ["bash", "-c", command], cwd=project.folder, env=os.environ | environ, capture_output=True, text=True
    )
    assert (done.returncode, "add --yes" in done.stderr) == (2, True), done.stderr


def test_reset_without_the_management_api_is_one_sentence(project, broker_url):
    done = project.broker("reset", "--yes", AMQP_URL=broker_url, MANAGEMENT_URL="http://localhost:1")
    assert (done.returncode, is_one_sentence(done)) == (1, True)
    assert "no management API answers at http://localhost:1" in done.stderr


@pytest.mark.parametrize("raised", [KeyboardInterrupt, ValueError])
def test_a_throwaway_vhost_is_gone_whatever_happens(broker_url, raised):
    management = Management.of(broker_url)
    vhosts = []

    def use_and_fail() -> None:
        with throwaway_vhost(broker_url, "test-throwaway") as url:
            pika.BlockingConnection(pika.URLParameters(url)).close()
            vhosts.append(address.vhost_of(url))
            raise raised

    with pytest.raises(raised):
        use_and_fail()
    with pytest.raises(ManagementError) as gone:
        management.get(f"vhosts/{vhosts[0]}")
    assert gone.value.status == 404


def test_the_management_api_names_a_user_that_it_refuses(broker_url):
    refused = Management(Management.of(broker_url).url, "guest", "secret")
    with pytest.raises(ManagementError, match="refuses the user guest") as refusal:
        refused.get("overview")
    assert refusal.value.status == 401
    assert "secret" not in str(refusal.value)


@pytest.fixture
def untagged(broker_url, vhost_url):
    """The URL, in the test's vhost, of a user without any tag: the management API refuses it."""
    user, management = f"untagged-{os.getpid()}", Management.of(broker_url)
    management.put(f"users/{user}", {"password": "secret", "tags": ""})
    management.put(f"permissions/{address.vhost_of(vhost_url)}/{user}", EVERYTHING)
    yield change(vhost_url, user=user, password="secret")
    management.delete(f"users/{user}")


def test_a_user_in_management_url_is_the_one_for_the_api(untagged, broker_url, monkeypatch):
    user, password = urlsplit(broker_url).username, urlsplit(broker_url).password
    page = urlsplit(Management.of(broker_url).url)
    monkeypatch.setenv("MANAGEMENT_URL", f"{page.scheme}://{user}:{password}@{page.netloc}")
    with throwaway_vhost(untagged, "test-other-user") as url:
        assert ask(url).product == "RabbitMQ"
