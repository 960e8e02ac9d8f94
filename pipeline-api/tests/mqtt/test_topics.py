import pytest

from pipeline_api.mqtt.topics import Action, may_read, parse


def test_a_topic_says_what_is_asked_and_by_whom() -> None:
    assert parse("people/actions/predict/door") == Action("people", "predict", "door")
    assert parse("people/actions/predict") == Action("people", "predict", None)


def test_the_answer_has_the_topic_of_the_request() -> None:
    assert Action("people", "predict", "door").result == "people/results/predict/door"
    assert Action("people", "predict", None).result == "people/results/predict"


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "people",
        "people/results/predict/door",
        "people/actions",
        "people/actions/",
        "/actions/predict",
        "people/actions/predict/",
        "people/actions/predict/door/x",
        "x" * 600 + "/actions/predict",
    ],
)
def test_any_other_topic_is_no_request(topic: str) -> None:
    assert parse(topic) is None


@pytest.mark.parametrize(
    ("topic", "own", "public"),
    [
        ("people/results/predict/door", True, True),
        ("replies/door/1", True, True),
        ("replies/door/1/2", True, True),
        ("people/results/predict", False, True),
        ("people/results/predict/hall", False, False),
        ("people/actions/predict/door", False, False),
        ("replies/door", False, False),
        ("replies/hall/door", False, False),
        ("replies/door/#", False, False),
        ("+/results/predict/door", False, False),
        ("/results/predict/door", False, False),
        ("people/results//door", False, False),
        ("people/results/predict/door/door", False, False),
        ("$SYS/results/predict/hall", False, False),
        ("gateway/devices", False, False),
        ("", False, False),
    ],
)
def test_an_answer_goes_only_where_its_device_may_read(topic: str, own: bool, public: bool) -> None:
    assert may_read(topic, "door", public=False) is own
    assert may_read(topic, "door", public=True) is public
