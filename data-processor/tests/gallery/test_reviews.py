from collections.abc import Callable
from typing import Any

from data_processor.tasks.faces.extractors import Extractors
from data_processor.tasks.faces.recogniser import Recogniser
from gallery.conftest import DOOR, Door, add_face_model

REVIEWS = f"/v1/models/{DOOR}/reviews"


def test_answers_that_users_contradict_are_reviewed_until_somebody_trusted_settles_them(door: Door) -> None:
    door.knows("Ann", 1)
    answer = door.ask(door.picture(1, 7), who="uma", role="user")
    sure = [one["prediction"] for one in door.call("GET", REVIEWS).json()]
    door.say(answer["id"], correct=False, who="uma", role="user")
    review = next(one for one in door.call("GET", REVIEWS).json() if one["prediction"] == answer["id"])
    assert (review["reason"], review["label"]) == ("contradicted", "Ann")
    door.say(answer["id"], correct=True, who="erin", role="engineer")
    left = [one["prediction"] for one in door.call("GET", REVIEWS).json()]
    assert answer["id"] not in left
    assert answer["id"] not in sure or len(left) < len(sure) + 1


def test_close_calls_are_reviewed(
    new_world: Callable[..., Any], open_door: Callable[[Any], Door], wait_until: Any
) -> None:
    world = new_world()
    lbp = Extractors().named("lbp")
    add_face_model(world, Recogniser(lbp, None, threshold=5.75))  # about as far as drawn strangers are
    door = open_door(world)
    wait_until(lambda: door.state.manager.find(DOOR) is not None)
    door.knows("Ann", 1)
    close, sure = door.ask(door.picture(4)), door.ask(door.picture(1, 1))
    assert abs(close["confidence"] - 0.5) < 0.15 < sure["confidence"] - 0.5
    assert [one["prediction"] for one in door.call("GET", REVIEWS).json()] == [close["id"]]
