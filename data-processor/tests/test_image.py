"""What the image leaves out must be what nothing here asks for."""

import re
from pathlib import Path

from data_processor.tasks.faces.detection import CASCADE
from data_processor.tasks.faces.dlib_net import SHA256
from data_processor.tasks.texts.declared import LEMMA_LANGUAGES

SCRIPT = Path(__file__).parents[1] / "leave-out.sh"


def test_the_dictionaries_that_stay_are_of_the_languages_that_a_model_can_be_set_to() -> None:
    (languages,) = re.findall(r"/\(([a-z|]+)\)\\\.plzma", SCRIPT.read_text())
    assert sorted(languages.split("|")) == sorted(LEMMA_LANGUAGES)


def test_the_cascade_and_the_weights_stay_that_find_and_describe_faces() -> None:
    script = SCRIPT.read_text()
    assert f"! -name {CASCADE} -delete" in script
    assert not [name for name in SHA256 if name in script]
