"""The part of the fake gateway that recognises faces: two pictures show the same one if they are the same."""

import itertools
from typing import Any

import canned
import canned_faces
from canned_faces import THRESHOLD, photo
from fake_http import Answer, Handlers, Refused, find

ADA = photo("teal")
_PERSON = "/v1/models/{model}/persons/{person}"


class FakeFaces:
    """The pictures, whom the models know, and what is to be reviewed; every model knows the same."""

    def __init__(self) -> None:
        self.pictures: dict[str, bytes] = {f"query-images/{0:032x}.jpg": ADA}
        """Name → what is in it."""
        self.persons = [
            canned_faces.person(
                1,
                "Ada",
                contact="ada@example.org",
                details={"Department": "Engines"},
                consent_at="2026-01-31T12:00:00Z",
                pictures=[canned_faces.picture(1, next(iter(self.pictures)))],
            )
        ]
        self.reviews: list[dict[str, Any]] = []
        self._numbers = itertools.count(2)
        self.faces = 1
        """How many faces there are in the pictures that are asked about."""

    def face_handlers(self) -> Handlers:
        return {
            "POST /v1/pictures": self.offer,
            "PUT /v1/pictures/query-images/{file}": self.put,
            "GET /v1/pictures/query-images/{file}": lambda file, **_: (200, self._content(file)),
            "GET /v1/models/{model}/persons": lambda **_: (
                200,
                sorted(self.persons, key=lambda one: str(one["label"])),
            ),
            "POST /v1/models/{model}/persons": self.enrol,
            f"GET {_PERSON}": lambda person, **_: (200, find(self.persons, "id", person)),
            f"PATCH {_PERSON}": self.change,
            f"DELETE {_PERSON}": self.forget,
            f"POST {_PERSON}/pictures": self.add_picture,
            f"GET {_PERSON}/pictures/{{picture}}": self.read_face,
            f"DELETE {_PERSON}/pictures/{{picture}}": self.take_out,
            "GET /v1/models/{model}/reviews": lambda **_: (200, self.reviews),
        }

    def _content(self, file: str) -> bytes:
        if (content := self.pictures.get(f"query-images/{file}")) is None:
            raise Refused(404, f"There is no picture query-images/{file}.")
        return content

    def offer(self, given: Any, **_: Any) -> Answer:
        ending = {"image/png": "png", "image/webp": "webp"}.get(given["content_type"], "jpg")
        image = f"query-images/{len(self.pictures):032x}.{ending}"
        upload = {
            "method": "PUT",
            "url": f"/v1/pictures/{image}",
            "headers": {"Content-Type": given["content_type"]},
        }
        return 201, {"image": image, "upload": upload, "expires_at": canned.ago(hours=-1)}

    def put(self, file: str, given: bytes, **_: Any) -> Answer:
        self.pictures[f"query-images/{file}"] = given
        return 201, {"image": f"query-images/{file}"}

    def recognise(
        self, model: dict[str, Any], given: Any, user: Any, predictions: list[dict[str, Any]]
    ) -> Answer:
        (row,) = given["inputs"]
        content = self._seen(row["image"], ["body", "inputs", 0, "image"])
        known = next((one for one in self.persons if self._shows(one, content)), None)
        near = {"distance": 0.214, "confidence": 0.91} if known else {"distance": 0.97, "confidence": 0.08}
        answer: dict[str, Any] = {
            "id": f"face-{len(predictions)}",
            "label": known["label"] if known else None,
            "person": known["id"] if known else None,
            **(near if self.persons else {"distance": None, "confidence": 0.0}),
            "threshold": THRESHOLD,
            "faces": self.faces,
            "flags": [],
            "ask": False,
        }
        version = given.get("version") or "2"
        recorded = canned.prediction(1, model["name"], version=version, inputs=row, subject=user["username"])
        del recorded["probabilities"]
        predictions.insert(0, {**recorded, **answer, "at": canned.ago()})
        return 200, {"model": model["name"], "version": version, "stage": "main", "predictions": [answer]}

    def _shows(self, person: dict[str, Any], content: bytes) -> bool:
        kinds = {one["kind"] for one in person["pictures"] if self.pictures.get(one["image"], b"") == content}
        return kinds == {"enrolled"}

    def _seen(self, image: str, loc: list[Any]) -> bytes:
        """Return what is in a picture, if there is a face in it: that is, if it is a JPEG."""
        if (content := self.pictures.get(image)) is None:
            raise Refused(404, f"There is no picture {image}.")
        if not content.startswith(b"\xff\xd8"):
            message = "there is no face in it"
            error = {"loc": loc, "message": f"the picture {image!r} cannot be used: {message}"}
            raise Refused(422, f"The picture {image!r} cannot be used: {message}", errors=[error])
        return content

    def enrol(self, given: Any, user: Any, **_: Any) -> Answer:
        if any(one["label"] == given["label"] for one in self.persons):
            raise Refused(409, f"There is a person {given['label']!r} already.")
        for place, image in enumerate(given.get("images", [])):
            self._seen(image, ["body", "images", place])
        made = canned_faces.person(len(self.persons) + 1, given["label"], subject=user["username"])
        made |= {name: value for name, value in given.items() if name != "images"}
        made["pictures"] = [self._picture(image) for image in given.get("images", [])]
        self.persons.append(made)
        return 201, made

    def _picture(self, image: str) -> dict[str, Any]:
        return canned_faces.picture(next(self._numbers), image)

    def change(self, person: str, given: Any, **_: Any) -> Answer:
        found = find(self.persons, "id", person)
        if other := given.get("merge"):
            merged = find(self.persons, "id", other)
            found["pictures"] = found["pictures"] + merged["pictures"]
            self.persons.remove(merged)
        found |= {name: value for name, value in given.items() if name != "merge"}
        return 200, found

    def forget(self, person: str, **_: Any) -> Answer:
        self.persons.remove(find(self.persons, "id", person))
        return 204, None

    def add_picture(self, person: str, given: Any, **_: Any) -> Answer:
        found = find(self.persons, "id", person)
        self._seen(given["image"], ["body", "image"])
        found["pictures"].append(self._picture(given["image"]))
        return 201, {"score": 1.0, "person": person, "picture": found["pictures"][-1]["id"]}

    def read_face(self, person: str, picture: str, **_: Any) -> Answer:
        found = find(find(self.persons, "id", person)["pictures"], "id", picture)
        return 200, self.pictures[found["image"]]

    def take_out(self, person: str, picture: str, **_: Any) -> Answer:
        pictures = find(self.persons, "id", person)["pictures"]
        pictures.remove(find(pictures, "id", picture))
        return 204, None
