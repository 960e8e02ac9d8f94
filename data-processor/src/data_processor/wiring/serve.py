"""Joins the rooms for `serve`: opens everything that its routes work with, and closes it in order."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator

from data_processor.adapters.mlflow_artefacts import MlflowArtefacts
from data_processor.adapters.mlflow_connection import MlflowConnection
from data_processor.adapters.stores import open_report_store
from data_processor.caller import Callers
from data_processor.catalogue.service import Catalogue
from data_processor.catalogue.traffic import TrafficLog
from data_processor.database import Database
from data_processor.datasets.deletion import Deletion
from data_processor.datasets.exploration.profiles import Profiles
from data_processor.datasets.service import DatasetService
from data_processor.drift.reports import DriftReports
from data_processor.feedback.estimates import Estimates
from data_processor.feedback.service import FeedbackService
from data_processor.gallery.enrolling import Enrolling
from data_processor.gallery.faces import FaceReader
from data_processor.gallery.forgetting import Forgetting
from data_processor.gallery.persons import Persons
from data_processor.gallery.reviews import Reviews
from data_processor.gallery.views import Views
from data_processor.models.ledger import Ledger
from data_processor.models.loaded import LoadedVersions
from data_processor.models.registry import Registry
from data_processor.models.signatures import Signer
from data_processor.models.signing import sign_known
from data_processor.notifications.destinations import Destinations
from data_processor.pictures.pool import PicturePool
from data_processor.pictures.service import open_pictures
from data_processor.pictures.work import PictureWork
from data_processor.predictions.recorders import open_recorder
from data_processor.predictions.records import PredictionStore
from data_processor.predictions.retention import Retention
from data_processor.runs.service import Runs
from data_processor.service.database import PATIENCE_S
from data_processor.service.database_metrics import DatabaseMetrics
from data_processor.service.private_folder import make_private
from data_processor.serving.batching import Batcher
from data_processor.serving.explanations import Explanations
from data_processor.serving.history import History
from data_processor.serving.loading import Loader
from data_processor.serving.metrics import ModelMetrics
from data_processor.serving.model_manager import ModelManager
from data_processor.serving.predictions import Predictor
from data_processor.serving.recognition import Recognition
from data_processor.settings import Settings
from data_processor.tasks.faces.extractors import Extractors
from data_processor.training.evaluations import Evaluations
from data_processor.training.live.service import LiveRuns
from data_processor.training.live.views import LiveViews
from data_processor.wiring.state import State

SWITCH_INTERVAL_S = 0.001
"""Seconds that a thread may keep the interpreter while others wait; Python's 5 ms would slow answers."""


@contextlib.asynccontextmanager
async def open_state(
    settings: Settings, metrics: ModelMetrics, database_metrics: DatabaseMetrics
) -> AsyncIterator[State]:
    """Yield the state that the routes work with; model versions follow as soon as they are loaded."""
    make_private(settings.state_dir)
    extractors = await asyncio.to_thread(Extractors.of, settings)
    database = Database(settings.records_url, busy_timeout_s=PATIENCE_S)
    predictions = PredictionStore(settings.predictions_url)
    database_metrics.watch(database.engine)
    database_metrics.watch(predictions.engine)
    mlflow = MlflowConnection(settings.mlflow_url, login=settings.mlflow_login)
    async with contextlib.AsyncExitStack() as opened:
        opened.callback(database.close)
        opened.callback(predictions.close)
        opened.callback(mlflow.close)
        await asyncio.to_thread(database.create_tables)
        await asyncio.to_thread(predictions.create_tables)
        signer = Signer.of(settings)
        await asyncio.to_thread(sign_known, database, signer)  # a new `serve` starts before a new worker
        registry = Registry(database, settings.models_dir, MlflowArtefacts(mlflow), signer)
        ledger = Ledger(database, staging_required=settings.staging_required)
        loaded = LoadedVersions(database, settings.stage, settings.pinned_versions)
        runs = Runs(database, settings.stage)
        pictures = open_pictures(settings)
        pool = PicturePool()
        opened.callback(pool.close)
        galleries = Views(database, settings.poll_interval_s)
        opened.callback(galleries.close)
        recognition = Recognition(FaceReader(pictures.read, pool), galleries, extractors)
        loader = Loader(settings, registry, predictions, recognition)
        manager = ModelManager(settings, registry, ledger, metrics, loader=loader, loaded=loaded)
        opened.callback(manager.close)
        enrolling = Enrolling(database, recognition.faces, galleries, manager.gallery)
        feedback = FeedbackService(
            database,
            settings,
            predictions,
            runs,
            estimates=Estimates(predictions),
            count=metrics.feedback,
            learn=enrolling.told,
        )
        recorder = open_recorder(settings.predictions_url, settings.checkpoint_interval_s)
        opened.callback(recorder.close)
        batcher = Batcher(recorder, metrics, settings.max_waiting_rows)
        opened.push_async_callback(batcher.close)
        retention = Retention(settings, database, predictions)
        opened.callback(retention.close)
        datasets = DatasetService(settings, database, runs)
        deletion = Deletion(settings, database, runs)
        await asyncio.to_thread(deletion.sweep)
        history = History(database, predictions, registry)
        explanations = Explanations(settings, history, registry)
        opened.callback(explanations.close)
        state = State(
            settings=settings,
            callers=Callers(
                settings.service_token.get_secret_value(), settings.caller_key.get_secret_value()
            ),
            database=database,
            registry=registry,
            ledger=ledger,
            loaded=loaded,
            runs=runs,
            feedback=feedback,
            catalogue=Catalogue(
                database, registry, ledger, feedback, runs, loaded=loaded, stage=settings.stage
            ),
            datasets=datasets,
            deletion=deletion,
            persons=Persons(database, galleries.refresh),
            enrolling=enrolling,
            forgetting=Forgetting(database, galleries.refresh),
            reviews=Reviews(database, predictions),
            profiles=Profiles(database, runs),
            history=history,
            explanations=explanations,
            evaluations=Evaluations(database, registry, runs),
            live_runs=LiveRuns(database, runs),
            live_views=LiveViews(database),
            drift_reports=DriftReports(database, runs, open_report_store(settings), settings.stage),
            pictures=pictures,
            picture_work=PictureWork(pictures, pool),
            predictions=predictions,
            manager=manager,
            predictor=Predictor(manager, batcher, predictions, metrics),
            destinations=Destinations(settings, database),
            traffic=TrafficLog(predictions, metrics.refusals),
        )
        opened.enter_context(_quick_switches())
        manager.start()
        galleries.start()
        explanations.start()
        retention.start()
        yield state


@contextlib.contextmanager
def _quick_switches() -> Iterator[None]:
    """Let threads take turns more often."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
