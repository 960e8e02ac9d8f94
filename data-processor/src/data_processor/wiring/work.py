"""Joins the rooms for `work`: opens the clients of a worker and builds its services on them."""

from dataclasses import dataclass

from data_processor.adapters.mlflow_aliases import MlflowAliases
from data_processor.adapters.mlflow_artefacts import MlflowArtefacts
from data_processor.adapters.mlflow_connection import MlflowConnection
from data_processor.adapters.stores import open_report_store
from data_processor.database import Database
from data_processor.datasets.storing_run import StoringRun
from data_processor.datasets.version_store import VersionStore, repository
from data_processor.drift.schedule import DriftSchedule
from data_processor.feedback.estimates import Estimates
from data_processor.feedback.scoreboard import Scoreboard
from data_processor.gallery.forgetting import Sweeping
from data_processor.models.exchange import Exchange
from data_processor.models.ledger import Ledger
from data_processor.models.reconcile import Reconciler
from data_processor.models.refusals import Refusals, alias_counter
from data_processor.models.registry import Registry
from data_processor.models.signatures import Signer
from data_processor.models.stage_sync import StageSync
from data_processor.notifications.deliveries import Deliveries
from data_processor.pictures.expiry import Expiry
from data_processor.pictures.service import open_pictures
from data_processor.predictions.records import PredictionStore
from data_processor.runs.jobs import Jobs
from data_processor.runs.metrics import RunMetrics
from data_processor.runs.service import Runs
from data_processor.service.database_metrics import DatabaseMetrics
from data_processor.service.metrics import ServiceMetrics
from data_processor.service.private_folder import make_private
from data_processor.settings import Settings
from data_processor.tasks.faces.extractors import Extractors
from data_processor.training.adoption import VersionCheck
from data_processor.training.faces.growth import GalleryGrowth
from data_processor.training.live.expiry import CheckpointExpiry
from data_processor.training.promotion_watch import Watching
from data_processor.training.retrain import Retraining
from data_processor.training.sample import SamplePlant
from data_processor.wiring.kinds import plain_kinds


@dataclass(frozen=True)
class WorkerParts:
    """The open clients and services of one `work` process."""

    database: Database
    signer: Signer
    mlflow: MlflowConnection
    metrics: ServiceMetrics
    jobs: Jobs
    storing: StoringRun
    watching: Watching
    sample: SamplePlant
    deliveries: Deliveries
    drift: DriftSchedule
    forgetting: Sweeping
    growth: GalleryGrowth
    picture_expiry: Expiry
    checkpoint_expiry: CheckpointExpiry
    scoreboard: Scoreboard
    reconciler: Reconciler
    stage_sync: StageSync | None
    """None where there is no other stage to exchange versions with."""


def wire_worker(settings: Settings) -> WorkerParts:
    """Open the databases and clients of a worker; nothing runs yet."""
    Extractors.of(settings)  # what its children would find wrong with weights is said now
    make_private(settings.state_dir)
    for folder in (settings.runs_dir, settings.models_dir):
        folder.mkdir(parents=True, exist_ok=True)
    database = Database(settings.records_url)
    mlflow = MlflowConnection(settings.mlflow_url, login=settings.mlflow_login)
    aliases, artefacts = MlflowAliases(mlflow), MlflowArtefacts(mlflow)
    signer = Signer.of(settings)
    registry = Registry(database, settings.models_dir, artefacts, signer)
    ledger = Ledger(database, staging_required=settings.staging_required)
    exchange = Exchange.of(settings)
    check = VersionCheck(settings, registry, artefacts, exchange)
    metrics = ServiceMetrics(settings)
    refusals = Refusals(database, settings.stage, alias_counter(metrics.registry))
    has_other_stage = settings.stage == "staging" or settings.staging_required
    reconciler = Reconciler(settings.stage, ledger, aliases, check, refusals, shared=has_other_stage)
    training = Retraining(
        parallel_runs=settings.parallel_runs, registry=registry, ledger=ledger, reconciler=reconciler
    )
    kinds = [training, *plain_kinds(settings, database)]
    predictions = PredictionStore(settings.predictions_url)
    database_metrics = DatabaseMetrics(metrics.registry)
    database_metrics.watch(database.engine)
    database_metrics.watch(predictions.engine)
    runs = Runs(database, settings.stage)
    return WorkerParts(
        database=database,
        signer=signer,
        mlflow=mlflow,
        metrics=metrics,
        jobs=Jobs(settings, database, kinds, RunMetrics(metrics.registry)),
        storing=next(kind for kind in kinds if isinstance(kind, StoringRun)),
        watching=Watching(settings, database, ledger, reconciler),
        sample=SamplePlant(settings, database, ledger),
        deliveries=Deliveries(settings, database),
        growth=GalleryGrowth(database, settings),
        forgetting=Sweeping(
            database,
            predictions,
            open_pictures(settings),
            VersionStore(database, repository(settings)).purge_since,
        ),
        drift=DriftSchedule(settings, database, predictions, open_report_store(settings)),
        picture_expiry=Expiry(settings, database, open_pictures(settings)),
        checkpoint_expiry=CheckpointExpiry(settings, database, open_report_store(settings)),
        scoreboard=Scoreboard(database, settings, runs, Estimates(predictions)),
        reconciler=reconciler,
        stage_sync=(
            StageSync(exchange, registry, ledger, aliases, check.take_in) if has_other_stage else None
        ),
    )
