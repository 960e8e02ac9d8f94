"""The rows of the records database: everything but single predictions.

Models, versions, the ledger, datasets, runs, feedback, the controller's decisions, notifications, drift
reports and galleries, each in a module; all are imported here, so that whoever knows one knows the whole
schema.
`database.py` says how they are reached. Predictions have a database of their own (`predictions/records.py`),
because they are written on the request path; background jobs have a third (DBOS).
"""

from data_processor.rows.base import Base
from data_processor.rows.datasets import (
    DELETING,
    DatasetProfileRow,
    DatasetRow,
    DatasetUploadRow,
    DatasetVersionRow,
)
from data_processor.rows.drift import DriftReportRow
from data_processor.rows.feedback import DecisionRow, FeedbackRow, WatchRow
from data_processor.rows.gallery import FacePictureRow, GalleryRow, PersonRow
from data_processor.rows.idempotency import IdempotencyRow
from data_processor.rows.live import LiveCheckpointRow, LiveCommandRow, LiveRunRow
from data_processor.rows.models import AliasRefusalRow, LoadedRow, ModelRow, PromotionRow, VersionRow
from data_processor.rows.notifications import DeliveryRow, DestinationRow, NotificationRow
from data_processor.rows.runs import OPEN_RUN, RunEventRow, RunResultRow, RunRow

__all__ = [
    "DELETING",
    "OPEN_RUN",
    "AliasRefusalRow",
    "Base",
    "DatasetProfileRow",
    "DatasetRow",
    "DatasetUploadRow",
    "DatasetVersionRow",
    "DecisionRow",
    "DeliveryRow",
    "DestinationRow",
    "DriftReportRow",
    "FacePictureRow",
    "FeedbackRow",
    "GalleryRow",
    "IdempotencyRow",
    "LiveCheckpointRow",
    "LiveCommandRow",
    "LiveRunRow",
    "LoadedRow",
    "ModelRow",
    "NotificationRow",
    "PersonRow",
    "PromotionRow",
    "RunEventRow",
    "RunResultRow",
    "RunRow",
    "VersionRow",
    "WatchRow",
]
