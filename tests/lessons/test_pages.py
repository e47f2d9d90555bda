"""Each page does as it says: every command on it, run as written, shows what the page shows."""

from workbench.lessons import Lesson
from workbench.player import differences
from workbench.stage import player_on_stage


def test_page_shows_what_its_commands_print(lesson: Lesson, broker_url: str) -> None:
    with player_on_stage(lesson, broker_url) as player:
        played = player.play()

    assert differences(played) == []
    assert len(played) > 3, "a page without commands shows nothing"
