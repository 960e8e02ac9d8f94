"""The typed state of `serve`, which the lifespan opens; routes reach it through `dependencies.py`."""

from dataclasses import dataclass

from data_processor.caller import Callers
from data_processor.catalogue.service import Catalogue
from data_processor.catalogue.traffic import TrafficLog
from data_processor.database import Database
from data_processor.datasets.deletion import Deletion
from data_processor.datasets.exploration.profiles import Profiles
from data_processor.datasets.service import DatasetService
from data_processor.drift.reports import DriftReports
from data_processor.feedback.service import FeedbackService
from data_processor.gallery.enrolling import Enrolling
from data_processor.gallery.forgetting import Forgetting
from data_processor.gallery.persons import Persons
from data_processor.gallery.reviews import Reviews
from data_processor.models.ledger import Ledger
from data_processor.models.loaded import LoadedVersions
from data_processor.models.registry import Registry
from data_processor.notifications.destinations import Destinations
from data_processor.pictures.service import Pictures
from data_processor.pictures.work import PictureWork
from data_processor.predictions.records import PredictionStore
from data_processor.runs.service import Runs
from data_processor.serving.explanations import Explanations
from data_processor.serving.history import History
from data_processor.serving.model_manager import ModelManager
from data_processor.serving.predictions import Predictor
from data_processor.settings import Settings
from data_processor.training.evaluations import Evaluations
from data_processor.training.live.service import LiveRuns
from data_processor.training.live.views import LiveViews


@dataclass(frozen=True)
class State:
    """The open clients and services of one `serve` process."""

    settings: Settings
    callers: Callers
    database: Database
    registry: Registry
    ledger: Ledger
    loaded: LoadedVersions
    runs: Runs
    feedback: FeedbackService
    catalogue: Catalogue
    datasets: DatasetService
    deletion: Deletion
    persons: Persons
    enrolling: Enrolling
    forgetting: Forgetting
    reviews: Reviews
    profiles: Profiles
    history: History
    explanations: Explanations
    evaluations: Evaluations
    live_runs: LiveRuns
    live_views: LiveViews
    drift_reports: DriftReports
    pictures: Pictures
    picture_work: PictureWork
    predictions: PredictionStore
    manager: ModelManager
    predictor: Predictor
    destinations: Destinations
    traffic: TrafficLog
