"""Deletes the query pictures that are older than the settings say.

The servers' own rules for that are not used: not every S3 server has them, and a folder has none.
"""

from datetime import UTC, datetime, timedelta

import structlog

from data_processor.pictures.service import Pictures
from data_processor.settings import Settings

log = structlog.get_logger(__name__)


class Expiry:
    """Deletes old query pictures; used by the leader of a stage's workers."""

    def __init__(self, settings: Settings, pictures: Pictures) -> None:
        """Keep query pictures for as long as the settings say."""
        self._keep = timedelta(days=settings.query_pictures_keep_days)
        self._pictures = pictures

    def sweep(self) -> None:
        """Delete those that are too old by now; raises `ObjectStoreError`."""
        if deleted := self._pictures.expire(datetime.now(UTC) - self._keep):
            log.info("query_pictures_deleted", pictures=deleted)
