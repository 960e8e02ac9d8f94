"""The part of the gateway that recognises faces: pictures, persons and the review list."""

from typing import Literal, cast

from streamlit_ui.calls import Caller
from streamlit_ui.contract.types import (
    Enrolled,
    ModelCreated,
    Person,
    PersonChange,
    PersonRequest,
    PictureOffer,
    Review,
)


class FacesClient(Caller):
    """What people do with faces, each as far as their role allows."""

    def create_picture_model(self, name: str, task: str) -> ModelCreated:
        """Create a model that needs no data: it knows whoever is enrolled from then on."""
        return cast(ModelCreated, self._json("POST", "/v1/models", json={"name": name, "task": task}))

    # Pictures

    def store_picture(self, content: bytes) -> str:
        """Store a picture to ask about, or to enrol somebody with; return its name."""
        kind = content_type(content)
        asked = {"folder": "query-images", "content_type": kind}
        image = cast(PictureOffer, self._json("POST", "/v1/pictures", json=asked))["image"]
        route, file = "/v1/pictures/query-images/{file}", image.rpartition("/")[2]
        self._call("PUT", route, file, content=content, headers={"Content-Type": kind})
        return image

    def picture(self, image: str) -> bytes:
        """Read a stored picture; 404 once it has expired."""
        _, *label, file = image.split("/")
        query, train = "/v1/pictures/query-images/{file}", "/v1/pictures/train-images/{label}/{file}"
        return self._call("GET", train if label else query, *label, file).content

    # Persons

    def persons(self, model: str) -> list[Person]:
        """List who is known to a model, by label."""
        return cast(list[Person], self._json("GET", "/v1/models/{model}/persons", model))

    def person(self, model: str, person: str) -> Person:
        """Show what is kept about a person."""
        return cast(Person, self._json("GET", "/v1/models/{model}/persons/{person}", model, person))

    def enrol(self, model: str, asked: PersonRequest) -> Person:
        """Let a model know a person; 409 for a label that somebody has, 422 for a picture without a face."""
        return cast(Person, self._json("POST", "/v1/models/{model}/persons", model, json=dict(asked)))

    def change_person(self, model: str, person: str, changes: PersonChange) -> None:
        """Change what is kept about a person, or merge another one into them."""
        self._call("PATCH", "/v1/models/{model}/persons/{person}", model, person, json=dict(changes))

    def forget_person(self, model: str, person: str) -> None:
        """Forget a person with everything that is kept about them."""
        self._call("DELETE", "/v1/models/{model}/persons/{person}", model, person)

    def add_picture(self, model: str, person: str, image: str) -> Enrolled:
        """Let a person be known by one more picture."""
        route = "/v1/models/{model}/persons/{person}/pictures"
        return cast(Enrolled, self._json("POST", route, model, person, json={"image": image}))

    def face(self, model: str, person: str, picture: str) -> bytes:
        """Read a face of a person, cut out of its picture."""
        route = "/v1/models/{model}/persons/{person}/pictures/{picture}"
        return self._call("GET", route, model, person, picture).content

    def take_out_picture(self, model: str, person: str, picture: str) -> None:
        """Let a person no longer be known by a picture."""
        route = "/v1/models/{model}/persons/{person}/pictures/{picture}"
        self._call("DELETE", route, model, person, picture)

    def reviews(self, model: str) -> list[Review]:
        """List the answers that somebody who knows should look at, newest first."""
        return cast(list[Review], self._json("GET", "/v1/models/{model}/reviews", model))


def content_type(content: bytes) -> Literal["image/jpeg", "image/png", "image/webp"]:
    """Return what kind of a picture a file is, by its first bytes: browsers go by its name."""
    if content.startswith(b"\x89PNG"):
        return "image/png"
    return "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else "image/jpeg"
