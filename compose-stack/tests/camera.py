"""A camera that a browser takes for a real one; who stands before it is drawn."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from compose_stack.settings import ROOT

DRAW = """
import pathlib, sys
import numpy as np
from PIL import Image
from drawn import as_jpeg, drawn
folder, person = pathlib.Path(sys.argv[1]), int(sys.argv[2])
for number in range(int(sys.argv[3])):
    near = np.asarray(Image.fromarray(drawn(person, number)).resize((480, 480)))
    seen = np.pad(near, ((0, 0), (80, 80), (0, 0)), mode="edge")
    (folder / f"{person}-{number}.mjpeg").write_bytes(as_jpeg(seen))
"""
"""Pictures of 640 x 480, as a camera takes them; one JPEG is a whole MJPEG film, played again and again."""


@dataclass(frozen=True)
class Camera:
    """What a browser's camera sees: a film in a file, exchanged for what it sees next."""

    folder: Path

    @property
    def film(self) -> Path:
        return self.folder / "camera.mjpeg"

    def draw(self, person: int, pictures: int) -> None:
        """Draw a person some times over: the same face elsewhere, tilted, in other light."""
        program = ROOT / "data-processor" / ".venv" / "bin" / "python"
        drawn = ROOT / "data-processor" / "tests" / "tasks" / "faces"
        subprocess.run(
            [program, "-c", DRAW, self.folder, str(person), str(pictures)],
            env={**os.environ, "PYTHONPATH": str(drawn)},
            check=True,
        )

    def see(self, person: int, picture: int) -> None:
        """See a person from the next time on that the camera is opened: an open film stays as it is."""
        following = self.folder / "next.mjpeg"
        following.write_bytes((self.folder / f"{person}-{picture}.mjpeg").read_bytes())
        following.replace(self.film)
