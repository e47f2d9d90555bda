"""A broker that is short of memory takes no messages: who publishes is told so, and is not left waiting."""

import os
from collections.abc import Callable, Iterator
from subprocess import CompletedProcess

import pytest
from project_copy import Project, copy_project
from workbench import ports
from workbench.broker import native
from workbench.lessons import LESSONS

Run = Callable[..., CompletedProcess]


@pytest.fixture(scope="module")
def short_of_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a private node that may use one byte."""
    if not native.server_script():
        pytest.skip("rabbitmq-server is not here")
    folder = tmp_path_factory.mktemp("blocked")
    configuration = folder / ".broker" / "conf.d" / "memory.conf"
    configuration.parent.mkdir(parents=True)
    configuration.write_text("vm_memory_high_watermark.absolute = 1\n")
    amqp, management = map(str, ports.free(2))
    name = f"rabbit-holes-blocked-{os.getpid()}"
    project = Project(
        copy_project(folder), AMQP_PORT=amqp, MANAGEMENT_PORT=management, COMPOSE_PROJECT_NAME=name
    )
    try:
        up = project.broker("up", "--way", "native")
        assert up.returncode == 0, up.stderr
        yield f"amqp://guest:guest@127.0.0.1:{amqp}/%2F"
    finally:
        project.broker("down")


def test_producer_says_that_the_broker_takes_nothing(short_of_memory: str, run: Run) -> None:
    """With confirms and without: there it is the closing of the connection that is not answered."""
    for lesson in ("01_first_event", "03_publisher_confirms"):
        url = f"{short_of_memory}?blocked_connection_timeout=1"
        done = run(LESSONS / lesson / "producer.py", url=url, seconds=20)
        assert done.returncode == 1, done.stderr
        *_placed, complaint = done.stderr.strip().splitlines()
        assert complaint.startswith("Error: ")
        assert "takes no messages, being short of memory or disk" in complaint
        assert "scripts/broker.py status" in complaint
