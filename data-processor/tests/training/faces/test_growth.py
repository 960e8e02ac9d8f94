import pytest

from data_processor.rows import RunRow
from data_processor.training.faces.growth import GalleryGrowth
from training.faces.conftest import Doorway

pytestmark = pytest.mark.usefixtures("children_in_process")
Crops = list[list[bytes]]


def opened(doorway: Doorway) -> list[str]:
    """Return why runs are open."""
    GalleryGrowth(doorway.shop.database, doorway.shop.settings).poll()
    return [
        f"{row.trigger}: {row.reason}"
        for row in doorway.shop.rows(RunRow)
        if row.model == doorway.model and row.status == "queued"
    ]


def test_a_gallery_that_has_doubled_gets_a_run(doorway: Doorway, drawn_crops: Crops) -> None:
    assert opened(doorway) == []  # nothing is served
    doorway.run("initial")
    assert opened(doorway) == []  # nobody is enrolled
    doorway.enrol(drawn_crops[:4])
    assert opened(doorway) == []  # four persons are too few
    doorway.enrol(drawn_crops[4:8])
    assert opened(doorway) == ["upload: The gallery has 32 pictures; the last run learnt from 0."]
    assert len(opened(doorway)) == 1  # one run at a time


def test_one_that_has_grown_by_less_gets_none_and_neither_does_one_that_has_to_cool_down(
    doorway: Doorway, drawn_crops: Crops
) -> None:
    doorway.run("initial")
    doorway.enrol(drawn_crops[:8])
    doorway.run()
    doorway.enrol(drawn_crops[8:12])
    assert opened(doorway) == []
    doorway.enrol(drawn_crops[12:20])
    assert opened(doorway) == []
    doorway.shop.registry.change_policy(doorway.model, {"cooldown_s": 0})
    assert opened(doorway) == ["upload: The gallery has 80 pictures; the last run learnt from 32."]
