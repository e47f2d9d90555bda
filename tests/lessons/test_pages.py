"""Each page does as it says: every command on it, run as written, shows what the page shows, pictures too."""

from workbench.journey.pages import drawn, pictures_of
from workbench.lessons import Lesson
from workbench.player import differences
from workbench.stage import player_on_stage


def test_page_shows_what_its_commands_print(lesson: Lesson, broker_url: str) -> None:
    with player_on_stage(lesson, broker_url) as player:
        played = player.play()

    assert differences(played) == []
    assert len(played) > 3, "a page without commands shows nothing"


def test_pictures_show_what_passed(lesson: Lesson, broker_url: str) -> None:
    pictures = pictures_of(lesson.page.read_text(encoding="utf-8"))

    assert [picture.shown for picture in pictures] == [
        tuple(drawn(picture, lesson, broker_url)) for picture in pictures
    ]
    assert pictures, "a page without a picture of what passes leaves it to be imagined"
