"""The broker of docker-compose.yml, by the `docker` command and its Compose plugin."""

import json
import shutil
import subprocess
from typing import Any

import click

from workbench import quietly
from workbench.broker import readiness
from workbench.broker.ways import Unavailable
from workbench.environment import ROOT

WAY = "docker"
NAME = "Docker Compose"
SERVICE = "rabbitmq"
ENGINE_SECONDS = 20
LABEL = "com.docker.compose.project.working_dir"


def prepare(*, yes: bool) -> None:
    """See to it that `start` can work; raises ways.Unavailable. There is nothing that needs a `yes`."""
    if reason := why_not():
        raise Unavailable(reason)
    refuse_foreign_project()
    fetch_image()


def why_not() -> str | None:
    """Why Compose cannot be used here as things stand; None where it can."""
    if not shutil.which("docker"):
        return "docker is not installed"
    if not answers("docker", "version", "--format", "{{.Server.Version}}"):
        return "no Docker engine answers"
    if not answers("docker", "compose", "version"):
        return "docker has no Compose plugin"
    return None


def answers(*command: str) -> bool:
    """Whether a docker command succeeds, soon."""
    try:
        return subprocess.run(command, capture_output=True, timeout=ENGINE_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def port() -> int | None:
    """The AMQP port, on this machine, of the broker that Compose runs from this folder; None without one."""
    if why_not():
        return None
    running = [container for container in containers() if container["State"] == "running"]
    return published(running[0], 5672) if running else None


def containers() -> list[dict[str, Any]]:
    """This folder's broker in Compose, running or not, as `docker compose ps` tells it."""
    return [container for container in project_containers() if folder_of(container) == str(ROOT)]


def project_containers() -> list[dict[str, Any]]:
    """The broker in the Compose project of that name, whichever folder it was started from."""
    listed = compose("ps", "--all", "--format", "json", SERVICE)
    if listed.startswith("["):  # so before Compose 2.21
        return json.loads(listed)
    return [json.loads(line) for line in listed.splitlines()]


def folder_of(container: dict[str, Any]) -> str | None:
    """The folder of the docker-compose.yml that a container was made from."""
    labels = dict(label.partition("=")[::2] for label in container["Labels"].split(","))
    return labels.get(LABEL)


def published(container: dict[str, Any], port: int) -> int | None:
    """The port of this machine at which a port of the container is published."""
    ports = {each["TargetPort"]: each["PublishedPort"] for each in container.get("Publishers") or []}
    return ports.get(port) or None


def start() -> None:
    """Start the broker and return when it is healthy; raises click.ClickException.

    AMQP_PORT and MANAGEMENT_PORT in the environment hold in docker-compose.yml, too.
    """
    with quietly.Clock("starting RabbitMQ in Docker ...") as clock:
        run_compose(clock, "up", "--detach", "--wait", SERVICE)


def refuse_foreign_project() -> None:
    """Raise ways.Unavailable where another folder's broker, of the same project name, would be replaced."""
    for container in project_containers():
        if (folder := folder_of(container)) != str(ROOT):
            raise Unavailable(
                f"{folder} has a broker in Docker under the same project name: use that one, or type "
                "`export COMPOSE_PROJECT_NAME=another-name` first"
            )


def fetch_image() -> None:
    """Make sure that the image is here; where it is not to be had, say so and raise ways.Unavailable."""
    image = compose("config", "--images", SERVICE).strip()
    if answers("docker", "image", "inspect", image):
        return
    try:
        with quietly.Clock(f"fetching the image {image} ...") as clock:
            quietly.run(["docker", "pull", "--quiet", image], clock)
    except quietly.Failed:
        quietly.say(f"Docker is here, but cannot get the image {image}: trying to do without")
        raise Unavailable(f"Docker cannot get the image {image}") from None


def stop() -> None:
    """Stop and remove the container; its data stays in the volume."""
    with quietly.Clock("stopping RabbitMQ in Docker ...") as clock:
        run_compose(clock, "down")


def restart() -> None:
    """Restart the container in place; durable queues and persistent messages stay."""
    container = containers()[0]
    with quietly.Clock("restarting RabbitMQ in Docker ...") as clock:
        run_compose(clock, "restart", SERVICE)
        readiness.wait(published(container, 5672), published(container, 15672), clock)


def log_command(*, follow: bool) -> list[str]:
    """The command that shows the container's log."""
    return [
        "docker",
        "compose",
        "logs",
        "--no-log-prefix",
        "--tail",
        "100",
        *(["-f"] if follow else []),
        SERVICE,
    ]


def compose(*arguments: str) -> str:
    """What a `docker compose` command prints; raises click.ClickException where it fails."""
    command = ["docker", "compose", *arguments]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=ENGINE_SECONDS)
    except subprocess.TimeoutExpired:
        raise click.ClickException(failure(arguments, f"no answer within {ENGINE_SECONDS} s")) from None
    if done.returncode != 0:
        raise click.ClickException(failure(arguments, done.stderr))
    return done.stdout


def run_compose(clock: quietly.Clock, *arguments: str) -> None:
    """Run a `docker compose` command that takes a while; raises click.ClickException where it fails."""
    try:
        quietly.run(["docker", "compose", "--project-directory", str(ROOT), *arguments], clock)
    except quietly.Failed as failed:
        raise click.ClickException(failure(arguments, failed.output)) from None


def failure(arguments: tuple[str, ...], output: str) -> str:
    """One sentence on a failed command, with the last thing that Docker said."""
    said = output.strip().splitlines() or ["no reason given"]
    return f"`docker compose {arguments[0]}` failed ({said[-1].strip()}): `docker compose logs` may tell more"
