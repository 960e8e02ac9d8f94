from data_processor.tasks.faces.detection import find_faces
from data_processor.tasks.faces.pictures import read_picture
from tasks.faces.drawn import drawn_face, drawn_scene


def test_a_drawn_picture_is_always_the_same() -> None:
    assert drawn_face(3, 1) == drawn_face(3, 1)
    assert len({drawn_face(person, picture) for person in range(3) for picture in range(3)}) == 9


def test_every_drawn_face_is_found_once() -> None:
    faces = [find_faces(read_picture(drawn_face(person, person % 3))) for person in range(20)]
    assert {len(found) for found in faces} == {1}


def test_as_many_faces_are_found_in_a_scene_as_were_drawn() -> None:
    assert [len(find_faces(read_picture(drawn_scene(*range(count))))) for count in range(4)] == [0, 1, 2, 3]
