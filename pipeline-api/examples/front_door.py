"""A front door that knows who stands before it, made with an MQTT client and an S3 client alone.

A picture goes into object storage, a message names it, and the answer comes over MQTT:

    front_door.py recognise FILE            who is it? ends with 3 if it is nobody who is known
    front_door.py register NAME FILE...     whoever is in these pictures is called NAME from now on
    front_door.py wrong                     the last answer was wrong: this is not who you said
    front_door.py box FILE                  where is the face?
"""

import argparse
import asyncio
import base64
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from picture_storage import Bucket, Offered, Picture, Storage
from platform_line import Line, RefusedError, Trouble, authorities

IN_A_MESSAGE = 700_000
"""Bytes of a picture that fit into a message; a larger one is uploaded."""
OK, TROUBLE, NOBODY = 0, 1, 3


class Door:
    """What the door can be told to do."""

    def __init__(self, line: Line, storage: Storage, model: str, memory: str) -> None:
        """Ask a model for faces; the last answer is kept in the file `memory`."""
        self._line, self._storage, self._model = line, storage, model
        self._memory = Path(memory).expanduser()

    async def recognise(self, path: Path) -> int:
        """Say who is in a picture."""
        image = await self._storage.put(Picture.read(path), "query-images")
        _progress(f"{path} is {image}")
        found = await self._line.ask(self._model, "recognize", queryImage=image)
        self._remember(found)
        if found["faces"] > 1:
            _progress(f"there are {found['faces']} faces in the picture, and the largest was taken")
        distance = (
            "nobody comes into question" if found["distance"] is None else f"distance {found['distance']:.3f}"
        )
        measured = f"{distance}, threshold {found['threshold']:.3f}"
        if found["label"] is None:
            print(f"Nobody who is known ({measured}).")
            return NOBODY
        print(f"{found['label']} ({measured}, confidence {found['confidence']:.2f}).")
        return OK

    async def register(self, name: str, paths: Sequence[Path]) -> int:
        """Teach the model who is in pictures; one that is refused does not keep it from the others."""
        refused = 0
        pictures = [Picture.read(path) for path in paths]
        for number, (path, picture) in enumerate(zip(paths, pictures, strict=True), 1):
            start = f"{number} of {len(paths)}: {path}"
            try:
                image = await self._storage.put(picture, "train-images", name)
                score = (await self._line.ask(self._model, "train", label=name, image=image))["score"]
            except RefusedError as error:
                refused += 1
                _progress(f"{start} was not taken: {error}")
                continue
            known = "" if score is None else f"; {score:.0%} of the pictures of {name} are recognised"
            _progress(f"{start} is learned{known}")
        taken = len(paths) - refused
        more = "1 more picture" if taken == 1 else f"{taken} more pictures"
        print(f"{name} is known by {more}." if taken else f"{name} was not registered.")
        return TROUBLE if refused else OK

    async def wrong(self) -> int:
        """Tell the model that its last answer was wrong."""
        try:
            last = json.loads(self._memory.read_text())
        except (OSError, ValueError) as error:
            raise Trouble(f"There is no last answer in {self._memory}: recognise somebody first.") from error
        await self._line.ask(last["model"], "feedback", prediction=last["prediction"], correct=False)
        label = last["label"]
        print(f"Learned: this is not {label}." if label else "Noted: this is somebody who should be known.")
        return OK

    async def box(self, path: Path) -> int:
        """Say where the face in a picture is."""
        picture = Picture.read(path)
        if len(picture.content) <= IN_A_MESSAGE:
            sent = {"data_base64": base64.b64encode(picture.content).decode()}
        else:
            sent = {"image": await self._storage.put(picture, "query-images")}
        box = (await self._line.ask("face-box", "update-box", **sent))["box"]
        if box is None:
            print("There is no face.")
            return NOBODY
        print("{width} by {height} pixels at {x}, {y}.".format(**box))
        return OK

    def _remember(self, found: Mapping[str, Any]) -> None:
        kept = {"model": self._model, "prediction": found["prediction"], "label": found["label"]}
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        self._memory.touch(mode=0o600)
        self._memory.write_text(json.dumps(kept))


def _progress(text: str) -> None:
    print(text, file=sys.stderr)


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Know who stands before the door, by MQTT and an S3 server.",
        epilog="Each option can be given as an environment variable instead; secrets only so: "
        "DEVICE_PASSWORD, S3_ACCESS_KEY and S3_SECRET_KEY, API_KEY. "
        "It ends with 0, with 1 if something went wrong, and with 3 if there is nobody who is known.",
    )

    def option(name: str, variable: str, default: str | None, meaning: str) -> None:
        parser.add_argument(
            name,
            default=environment.get(variable) or default,
            help=f"{meaning} [{variable}{f', {default}' if default else ''}]",
        )

    option(
        "--broker",
        "MQTT_URL",
        "mqtt://localhost:1883",
        "the broker; mqtts://… with TLS, ws://… or wss://… over WebSocket",
    )
    option("--ca-file", "CA_FILE", None, "authorities to trust besides those that this machine knows")
    option("--device", "DEVICE", "front-door", "this device's name")
    option("--model", "MODEL", "faces", "the model that knows the faces")
    option(
        "--s3",
        "S3_URL",
        None,
        "an S3 server that this device has a key of; without it, it asks where to upload",
    )
    option("--bucket", "S3_BUCKET", "pictures", "the bucket of the pictures, BUCKET[/PREFIX]")
    option("--api", "API_URL", None, "the platform's API, needed if it keeps pictures in a folder")
    option("--memory", "MEMORY", "~/.cache/front-door.json", "the file for the last answer")
    option("--patience", "PATIENCE", "60", "how many seconds it waits for an answer")
    does = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    recognise = does.add_parser("recognise", help="say who is in a picture")
    recognise.add_argument("file", type=Path)
    register = does.add_parser("register", help="teach who is in some pictures")
    register.add_argument("name")
    register.add_argument("files", type=Path, nargs="+", metavar="file")
    does.add_parser("wrong", help="say that the last answer was wrong")
    box = does.add_parser("box", help="say where the face in a picture is")
    box.add_argument("file", type=Path)
    return parser


async def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Do what was asked; return how the program ends. Raises Trouble."""
    password = environment.get("DEVICE_PASSWORD")
    if not password:
        raise Trouble("DEVICE_PASSWORD is not set: it was shown when the device was made.")
    trusted = authorities(arguments.ca_file)
    line = Line(arguments.broker, arguments.device, password, trusted, _seconds(arguments.patience))
    async with line:
        storage: Storage = Offered(line, arguments.api, environment.get("API_KEY"), trusted)
        if arguments.s3:
            keys = (environment.get("S3_ACCESS_KEY"), environment.get("S3_SECRET_KEY"))
            if not all(keys):
                raise Trouble("With --s3, S3_ACCESS_KEY and S3_SECRET_KEY must be set.")
            storage = Bucket(arguments.s3, arguments.bucket, str(keys[0]), str(keys[1]), trusted)
        door = Door(line, storage, arguments.model, arguments.memory)
        match arguments.command:
            case "recognise":
                return await door.recognise(arguments.file)
            case "register":
                return await door.register(arguments.name, arguments.files)
            case "wrong":
                return await door.wrong()
            case _:
                return await door.box(arguments.file)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise Trouble(f"--patience is a number of seconds, not {text!r}.") from error


def main(words: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Read the command line, and do what it says."""
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # what it would warn of is mended or told
    arguments = _parser(environment).parse_args(words)
    try:
        return asyncio.run(run(arguments, environment))
    except Trouble as trouble:
        _progress(str(trouble))
        return TROUBLE


if __name__ == "__main__":
    sys.exit(main())
