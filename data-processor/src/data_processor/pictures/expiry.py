"""Deletes pictures that are old by the settings: those asked about, and those that nobody is known by.

The servers' own rules for that are not used: not every S3 server has them, a folder has none, and none knows
who is enrolled.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import select

from data_processor.database import Database
from data_processor.pictures.service import Pictures
from data_processor.rows import FacePictureRow
from data_processor.settings import Settings

AT_ONCE = 200
"""Names of pictures that one query asks about."""

log = structlog.get_logger(__name__)


class Expiry:
    """Deletes old pictures; used by the leader of a stage's workers."""

    def __init__(self, settings: Settings, database: Database, pictures: Pictures) -> None:
        """Keep pictures for as long as the settings say; the records tell by which somebody is known."""
        self._keep = timedelta(days=settings.query_pictures_keep_days)
        self._database = database
        self._pictures = pictures

    def sweep(self) -> None:
        """Delete those that are too old by now; raises `ObjectStoreError`."""
        before = datetime.now(UTC) - self._keep
        asked_about = self._pictures.expire(before)
        unknown = self._pictures.expire_training(before, self._known)
        if asked_about or unknown:
            log.info("pictures_expired", query=asked_about, training=unknown)

    def _known(self, images: Sequence[str]) -> set[str]:
        """Return those of some pictures that are in a gallery."""
        known: set[str] = set()
        with self._database.reading() as session:
            for start in range(0, len(images), AT_ONCE):
                some = FacePictureRow.image.in_(images[start : start + AT_ONCE])
                known.update(session.scalars(select(FacePictureRow.image).where(some)))
        return known
