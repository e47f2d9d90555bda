"""What a command made is cleared away, however the command and its guard fare."""

import threading
from pathlib import Path

import pytest
from workbench import guard, management
from workbench.guard import Guard
from workbench.management import Management, ManagementError, throwaway_vhost, vhost_names
from workbench.wire import FaultPlan, Mute, Wire

MAX_SECONDS = 20


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where guards make their folders."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def is_there(broker_url: str, vhost: str) -> bool:
    return vhost in vhost_names(Management.of(broker_url))


def test_a_guard_that_was_killed_is_replaced(temporary: Path, broker_url: str) -> None:
    vhost = f"test-guard-{temporary.name}"
    with Guard(broker_url) as standing:
        standing.vhost(vhost)
        standing.process.kill()
        standing.process.wait()
        standing.folder("made later")
    assert not is_there(broker_url, vhost)
    assert list(temporary.iterdir()) == []


def test_a_connection_that_hangs_does_not_keep_a_command(
    temporary: Path, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vhost = f"test-guard-{temporary.name}"
    muted = threading.Event()
    monkeypatch.setenv("MANAGEMENT_URL", Management.of(broker_url).url)  # that of the wire's host is a guess
    with Wire(
        broker_url, FaultPlan(), observer=lambda event: muted.set() if event.kind == "fault" else None
    ) as wire:
        too_long = threading.Timer(MAX_SECONDS, wire.close)
        too_long.start()
        with Guard(wire.address_for("command")) as standing:
            standing.vhost(vhost)
            wire.strike("command", Mute())
            assert muted.wait(MAX_SECONDS)
        in_time = too_long.is_alive()
        too_long.cancel()
    assert in_time
    assert not is_there(broker_url, vhost)


def test_a_vhost_that_is_just_being_deleted_has_no_name() -> None:
    assert management.named([{"name": "/"}, {}]) == {"/"}


def test_clearing_away_that_takes_long_is_told_and_goes_on(
    temporary: Path, broker_url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    vhost = f"test-guard-{temporary.name}"
    monkeypatch.setattr(guard, "CLEARING_SECONDS", 0)
    with Guard(broker_url) as standing:
        standing.vhost(vhost)
        standing.folder("made")
    assert capfd.readouterr().err == f"{guard.SLOW}\n"
    assert standing.process.wait(MAX_SECONDS) == 0
    assert not is_there(broker_url, vhost)
    assert list(temporary.iterdir()) == []


def test_an_error_on_its_way_is_not_replaced_by_one_of_clearing_away(
    broker_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def refuse(_management: Management, _name: str) -> None:
        raise ManagementError("not now", 500)

    def use_and_fail() -> None:
        with throwaway_vhost(broker_url, "test-left"):
            raise ValueError("the error on its way")

    with monkeypatch.context() as patch:
        patch.setattr(management, "delete_vhost", refuse)
        with pytest.raises(ValueError, match="the error on its way"):
            use_and_fail()
    told = capsys.readouterr().err
    name = told.partition("(")[2].partition(")")[0]
    management.delete_vhost(Management.of(broker_url), name)
    assert name.startswith("test-left-")
    assert "refused to delete them with 500" in told
    assert "broker.py reset --vhosts" in told
