"""The bench's own dealings with the broker, which is not always ready for them."""

import pytest
from pika.adapters.blocking_connection import BlockingChannel
from workbench.bench import bench
from workbench.bench.bench import CannotJudge, publish_until_confirmed, taken_from

FULL = {"x-max-length": 1, "x-overflow": "reject-publish"}
BODIES = [b'{"order_id": "A-0001"}', b'{"order_id": "A-0002"}']


@pytest.fixture
def confirming(channel: BlockingChannel) -> BlockingChannel:
    """A channel on which the broker confirms what is published."""
    channel.confirm_delivery()
    return channel


def test_what_the_broker_refuses_for_a_moment_is_published_again(confirming: BlockingChannel) -> None:
    soon_there_is_room = {"x-message-ttl": 300}
    confirming.queue_declare("full", arguments=FULL | soon_there_is_room)
    for body in BODIES:
        publish_until_confirmed(confirming, "", "full", body)
    assert taken_from(confirming, "full") == ["A-0002"]


def test_what_the_broker_refuses_for_good_cannot_be_judged(
    confirming: BlockingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "START_SECONDS", 0.2)
    confirming.queue_declare("full", arguments=FULL)
    publish_until_confirmed(confirming, "", "full", BODIES[0])
    with pytest.raises(CannotJudge, match="refusing a message to '' 'full'"):
        publish_until_confirmed(confirming, "", "full", BODIES[1])
