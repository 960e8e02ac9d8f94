"""Measure how well faces are recognised: a folder with a folder of pictures for each person.

five pictures of each person are learnt and five are tested, in five random splits
right          the share of the tested pictures whose nearest face is the right person's
accepted       with each person left out of everything in turn, the share of the others' tested pictures that
               are recognised as who they are
strangers      the share of the left-out persons' tested pictures that are taken for anybody
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from data_processor.tasks.faces.crops import FaceCrop, largest_face
from data_processor.tasks.faces.extractors import Extractor, Extractors
from data_processor.tasks.faces.nearest import Known, nearest
from data_processor.tasks.faces.pictures import PictureRefusedError, read_picture
from data_processor.tasks.faces.recogniser import fit_recogniser
from data_processor.tasks.faces.sface_net import SFace

LEARNT, TESTED, SPLITS = 5, 5, 5
ENROLLED, REPEATS = 1000, 50
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".pgm", ".ppm"}


class Bounds(NamedTuple):
    """What an extractor must reach."""

    right: float
    accepted: float
    strangers: float
    worst: float = 0.20


STRONG = Bounds(0.995, 0.97, 0.02)
BOUNDS = {"lbp": Bounds(0.97, 0.88, 0.05), "dlib": STRONG, "sface": STRONG}
Floats = NDArray[np.float32]
T = TypeVar("T")
Places = NDArray[np.int64]


def main() -> int:
    """Print the figures; return 1 if one of them misses its bound."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="holds a folder for each person")
    parser.add_argument(
        "--networks",
        nargs=2,
        type=Path,
        metavar="ONNX",
        help="the files of YuNet and SFace: measures them, too",
    )
    given = parser.parse_args()
    extractors = Extractors(SFace.read(*given.networks) if given.networks else None)
    crops, persons, names = read(given.folder)
    missed = 0
    for found in extractors.available():
        say(f"\n{found.title}")
        missed += measure(found, crops, persons, names)
    return 1 if missed else 0


def read(folder: Path) -> tuple[list[FaceCrop], Places, list[str]]:
    """Return the face crops of a folder, whose they are, and the persons' names."""
    paths = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise SystemExit(f"{folder} has no folder with pictures in it.")
    names = sorted({path.parent.name for path in paths})
    crops, persons, refused = [], [], 0
    began = time.perf_counter()
    for path in paths:
        try:
            crop, _ = largest_face(read_picture(path.read_bytes()))
        except PictureRefusedError as error:
            refused += 1
            say(f"{path.relative_to(folder)}: {error}")
            continue
        crops.append(crop)
        persons.append(names.index(path.parent.name))
    took = (time.perf_counter() - began) / len(paths)
    say(
        f"{len(names)} persons, {len(paths)} pictures, {refused} refused; {took * 1000:.1f} ms to find a face"
    )
    return crops, np.array(persons, np.int64), names


def measure(found: Extractor, crops: list[FaceCrop], persons: Places, names: list[str]) -> int:
    """Print the figures of one extractor; return how many miss their bounds."""
    signing, signed = timed(lambda: [found.signature(crop) for crop in crops])
    signatures = np.stack(signed)
    right: list[float] = []
    accepted: list[bool] = []
    strangers: dict[int, list[bool]] = {}
    for seed in range(SPLITS):
        learnt, tested = split(persons, seed)
        right.append(share_right(found, signatures, persons, learnt, tested))
        for out in range(len(names)):
            others = learnt[persons[learnt] != out]
            recogniser = fit_recogniser(found, signatures[others], persons[others])
            known = known_as(recogniser.vectors(signatures[others]), persons[others])
            places = nearest(recogniser.vectors(signatures[tested]), known, recogniser.threshold).places
            theirs = persons[tested] == out
            accepted += (places == persons[tested])[~theirs].tolist()
            strangers.setdefault(out, []).extend((places[theirs] >= 0).tolist())
    worst = max(strangers, key=lambda one: float(np.mean(strangers[one])))
    bounds = BOUNDS[found.name]
    let_in = float(np.mean([one for all_ in strangers.values() for one in all_]))
    lines = (
        ("right", float(np.mean(right)), bounds.right, True, ", ".join(f"{one:.3f}" for one in right)),
        ("accepted", float(np.mean(accepted)), bounds.accepted, True, ""),
        ("strangers", let_in, bounds.strangers, False, ""),
        ("worst person", float(np.mean(strangers[worst])), bounds.worst, False, names[worst]),
    )
    missed = 0
    for name, value, bound, more, note in lines:
        passed = value >= bound if more else value <= bound
        missed += not passed
        sign = "≥" if more else "≤"
        say(f"  {name:13} {value:6.1%}  {sign} {bound:.1%}  {'PASS' if passed else 'FAIL'}  {note}")
    say(f"  to sign a face {signing / len(crops) * 1000:.1f} ms, {look_up(found, signatures, persons)}")
    return missed


def share_right(
    found: Extractor, signatures: Floats, persons: Places, learnt: Places, tested: Places
) -> float:
    """Return the share of tested pictures that are nearest to a picture of their person."""
    recogniser = fit_recogniser(found, signatures[learnt], persons[learnt])
    known = known_as(recogniser.vectors(signatures[learnt]), persons[learnt])
    places = nearest(recogniser.vectors(signatures[tested]), known, np.inf).places
    return float(np.mean(places == persons[tested]))


def look_up(found: Extractor, signatures: Floats, persons: Places) -> str:
    """Say how long it takes to find one face among many."""
    recogniser = fit_recogniser(found, signatures, persons)
    vectors = recogniser.vectors(signatures)
    rng = np.random.default_rng(1)
    drawn = rng.integers(0, len(vectors), ENROLLED)
    noisy = (vectors[drawn] + rng.normal(0, 0.01, (ENROLLED, vectors.shape[1]))).astype(np.float32)
    known = known_as(noisy, drawn % 100)
    took, _ = timed(lambda: [nearest(vectors[:1], known, recogniser.threshold) for _ in range(REPEATS)])
    return f"to find it among {ENROLLED} {took / REPEATS * 1000:.1f} ms"


def known_as(vectors: Floats, persons: Places) -> Known:
    """Return faces to compare with, and no impostors."""
    return Known(vectors, persons, np.zeros((0, vectors.shape[1]), np.float32), np.zeros(0, np.int64))


def split(persons: Places, seed: int) -> tuple[Places, Places]:
    """Return which pictures are learnt and which are tested, of each person some."""
    rng = np.random.default_rng(seed)
    learnt, tested = [], []
    for person in np.unique(persons):
        mine = rng.permutation(np.flatnonzero(persons == person))
        learnt.append(mine[:LEARNT])
        tested.append(mine[LEARNT : LEARNT + TESTED])
    return np.concatenate(learnt), np.concatenate(tested)


def say(line: str) -> None:
    """Print a line of the figures, as soon as there is one."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return how many seconds some work took, and what it returned."""
    began = time.perf_counter()
    done = work()
    return time.perf_counter() - began, done


if __name__ == "__main__":
    raise SystemExit(main())
