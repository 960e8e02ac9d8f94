"""Every setting of both processes; the README's table is made from it."""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from data_processor.service.settings import ServiceSettings


def _sqlite(name: str) -> Any:
    return Field(default_factory=lambda known: f"sqlite:///{known['state_dir'] / name}")


def _below(name: str, form: Callable[[Path], Any] = Path) -> Any:
    return Field(default_factory=lambda known: form(known["state_dir"] / name))


class Settings(ServiceSettings):
    """The settings of this data-processor, from the environment."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    service_name: str = "data-processor"
    """The name in logs, traces and metrics."""
    port: int = Field(8001, ge=0, le=65_535)
    """The port that `serve` listens on; 0 takes any free one."""
    max_body_bytes: int = Field(32 * 1024 * 1024, ge=1024)
    """The largest request body that is read."""

    service_token: SecretStr = Field(min_length=16)
    """The token that the gateway authenticates with. A secret: no default."""
    caller_key: SecretStr = Field(min_length=16)
    """The key that the gateway signs the caller's subject and role with. A secret: no default."""

    signing_key: SecretStr = Field(min_length=16)
    """The key that signs this stage's versions: `serve` and `work` have the same, nobody else has it, and no
    version is loaded without its signature. A secret: no default."""

    state_dir: Annotated[Path, AfterValidator(Path.absolute)] = Field(
        Path("var/processor"), validate_default=True
    )
    """The folder for everything that no other setting below places elsewhere."""
    records_url: str = _sqlite("records.db")
    """The records database, as a SQLAlchemy URL. Default: SQLite under `STATE_DIR`."""
    predictions_url: str = _sqlite("predictions.db")
    """The predictions database, SQLite or PostgreSQL. Default: SQLite under `STATE_DIR`."""
    jobs_url: str = _sqlite("jobs.db")
    """The database of the durable workflows. Default: SQLite under `STATE_DIR`."""
    mlflow_url: str = "http://127.0.0.1:5000"
    """The MLflow server: model registry and artefacts."""
    mlflow_tracking_username: str | None = None
    """The username for an MLflow server with a login; MLflow's own variable. Default: no login."""
    mlflow_tracking_password: SecretStr | None = None
    """The password that goes with it; a secret."""
    exchange_key: SecretStr | None = Field(None, min_length=16)
    """The key by which two stages prove to each other in MLflow what they trained and served: `work` of both
    has the same. A secret. Default: none, and no version comes from another stage."""
    dataset_repository: Path = _below("datasets")
    """The working copy of the git repository of the dataset versions. Default: `STATE_DIR/datasets`."""
    dataset_remote: str = _below("datasets.git", str)
    """The bare git repository that it is pushed to. Default: `STATE_DIR/datasets.git`."""
    dataset_store: str = _below("dataset-store", str)
    """The DVC remote that holds the data itself. Default: `STATE_DIR/dataset-store`."""
    warehouse_url: str = _sqlite("warehouse.db")
    """The warehouse of the datasets, SQLite or PostgreSQL. Default: SQLite under `STATE_DIR`."""
    uploads_dir: Path = _below("uploads")
    """Uploaded files until they are stored; `serve` and `work` share it. Default: `STATE_DIR/uploads`."""
    max_upload_bytes: int = Field(2 * 1024**3, ge=1024)
    """The largest file that is accepted as a dataset."""
    max_reading_s: float = Field(1800, gt=0)
    """The most seconds that reading an uploaded file may take."""
    max_reading_memory_mb: int = Field(4096, ge=256)
    """The most memory that reading one may take; a small file may take less, by its size."""
    report_store: str = _below("reports", str)
    """Where drift reports are kept: a folder, or `s3://BUCKET[/PREFIX]`. Default: `STATE_DIR/reports`."""
    drift_reports_kept: int = Field(30, ge=1, le=1000)
    """The newest drift reports of a model that are kept; older ones are deleted."""
    aws_endpoint_url_s3: str | None = None
    """The address of the S3 server of `REPORT_STORE`; AWS's own variable. Default: Amazon's."""
    aws_access_key_id: str | None = None
    """The access key for it; AWS's own variable. Default: none, for a public bucket."""
    aws_secret_access_key: SecretStr | None = None
    """The secret key that goes with it; a secret."""
    aws_region: str | None = None
    """The region of the bucket; AWS's own. Default: `us-east-1`, or at Amazon what the bucket says."""
    picture_store: str = _below("pictures", str)
    """Where pictures are kept: a folder, or `s3://BUCKET[/PREFIX]`. Default: `STATE_DIR/pictures`."""
    pictures_endpoint_url: str | None = Field(None, pattern=r"^https?://[^/]+/?$")
    """The address of the S3 server of `PICTURE_STORE`. Default: Amazon's."""
    pictures_public_url: str | None = Field(None, pattern=r"^https?://[^/]+/?$")
    """Where devices reach that server, e.g. `https://loopkeeper.example.org`: the URLs to upload
    pictures to are signed for it. Default: `PICTURES_ENDPOINT_URL`."""
    pictures_access_key_id: str | None = None
    """The access key for it: one that opens the bucket of the pictures, and nothing else."""
    pictures_secret_access_key: SecretStr | None = None
    """The secret key that goes with it; a secret."""
    pictures_region: str | None = None
    """The region of the bucket. Default: `us-east-1`, or at Amazon what the bucket says."""
    query_pictures_keep_days: float = Field(7, gt=0)
    """Days for which pictures in `query-images/` are kept, and those of `train-images/` that show nobody who
    is known."""
    face_detector_onnx: Annotated[Path, AfterValidator(Path.absolute)] | None = None
    """The ONNX file of YuNet, from OpenCV's model zoo. Default: none, and SFace describes no faces."""
    face_embedding_onnx: Annotated[Path, AfterValidator(Path.absolute)] | None = None
    """The ONNX file of SFace, which goes with it: `serve` and `work` have the same two, or neither."""
    models_dir: Path = _below("models")
    """Verified local copies of the versions' files. Default: `STATE_DIR/models`."""
    runs_dir: Path = _below("runs")
    """What one step of a run leaves for the next; a stage's workers share it. Default: `STATE_DIR/runs`."""

    trusted_types: tuple[str, ...] = (
        "numpy.dtype",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.tree._tree.Tree",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "data_processor.tasks.tables.centring.Centred",
        "data_processor.tasks.tables.centring.CentredRegressor",
        "data_processor.tasks.tables.target_means.TargetMeans",
        "data_processor.tasks.tables.words.ReducedTerms",
        "data_processor.tasks.texts.lemmas.LemmaTokenizer",
        "data_processor.tasks.texts.letters.PlainLower",
        "data_processor.tasks.texts.terms.CountedTerms",
        "data_processor.tasks.texts.terms.WeightedTerms",
    )
    """The types beyond skops' own that a model file may contain. Nothing in a file can extend the list."""
    sample_model: bool = False
    """Train and serve the synthetic `census-income` model on the first start."""
    controller_enabled: bool = Field(default_factory=lambda known: known["stage"] == "main")
    """Open retraining runs when a score falls. Default: on in stage `main`, off in `staging`."""
    staging_required: bool = False
    """Accept a version in `main` only after `staging` has served it."""

    executor_id: str | None = Field(None, pattern=r"^[A-Za-z0-9._-]{1,64}$")
    """This worker's name, if it must be a particular one: no other live worker of the stage may have it, and
    it survives restarts. Default: the lowest of `worker-1`, `worker-2` … that no live worker has."""
    worker_port: int | None = Field(None, ge=0, le=65_535)
    """The port on which `work` answers /healthz, /readyz and /metrics. Default: none."""
    parallel_runs: int = Field(1, ge=1, le=64)
    """The most runs, of different models, that one worker carries out at the same time."""
    live_runs: int = Field(4, ge=1, le=64)
    """The most live runs that one worker trains at the same time, paused ones among them; others wait."""
    live_runs_keep_days: int = Field(30, ge=1, le=3650)
    """Days after its end until a live run can no longer be forked or kept: its checkpoints are deleted."""
    training_threads: int | None = Field(None, ge=1, le=1024)
    """The most candidates that a run fits at the same time. Default: as many as there are cores."""
    dask_scheduler_address: str | None = Field(None, pattern=r"^[a-z]+://")
    """The scheduler of a Dask cluster that fits candidates, e.g. `tcp://scheduler:8786`; its
    workers must run this service's image. Anybody who can reach a scheduler can run code on its workers: keep
    it on an internal network. Default: the worker fits candidates itself."""
    training_niceness: int = Field(5, ge=0, le=19)
    """The niceness of runs, so that processes which answer requests come first; 0: no difference."""
    reconcile_interval_s: float = Field(10, gt=0, le=3600)
    """Seconds between two comparisons of the ledger with MLflow's aliases."""

    max_rows: int = Field(10_000, ge=1, le=1_000_000)
    """The most inputs that one request may contain."""
    max_text_length: int = Field(10_000, ge=1, le=1_000_000)
    """The most characters that one text in an input may have."""
    max_waiting_rows: int = Field(50_000, ge=1)
    """The most inputs that may wait for inference; further requests are answered 503."""
    inference_threads: int = Field(1, ge=1, le=64)
    """The threads that one inference uses."""
    pinned_versions: int = Field(4, ge=0, le=64)
    """The most versions, of all models, in memory besides those the stage serves, loaded or requested."""
    poll_interval_s: float = Field(0.5, gt=0, le=2)
    """Seconds between two polls of the ledger; a promotion is served after one poll and the loading."""
    checkpoint_interval_s: float = Field(0.25, gt=0, le=60)
    """Seconds between two checkpoints of the predictions database (SQLite)."""
    idempotency_keep_h: float = Field(24, gt=0)
    """Hours for which the answer to an `Idempotency-Key` is kept."""
    log_files: Path | None = None
    """The folder with the services' log files that engineers may read in the pages. Default: `LOG_DIR`."""
    pages_url: HttpUrl | None = None
    """Where people reach the pages, e.g. `https://loopkeeper.example.org`: notifications link to them.
    Default: notifications have no links."""
    trace_url: str | None = Field(None, pattern=r"^https?://.*\{trace\}")
    """Where a trace is shown, with `{trace}` for its id; notifications link to it. Default: no link."""
    notification_networks: Annotated[tuple[str, ...], NoDecode] = ()
    """Networks of receivers of notifications, e.g. `10.0.0.0/8,192.168.0.0/16`, separated by commas. Default:
    notifications only go to public addresses."""
    notifications_keep_trying_days: float = Field(3, gt=0, le=30)
    """Days for which an undelivered notification is tried again."""
    predictions_keep_days: float | None = Field(None, gt=0)
    """Days for which predictions without feedback are kept. Default: for ever."""

    @field_validator("notification_networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("notification_networks")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network)
        return value

    @model_validator(mode="after")
    def _has_both_face_networks(self) -> Self:
        if (self.face_detector_onnx is None) != (self.face_embedding_onnx is None):
            raise ValueError("FACE_DETECTOR_ONNX and FACE_EMBEDDING_ONNX go together: set both, or neither.")
        return self

    @property
    def mlflow_login(self) -> tuple[str, str] | None:
        """Return name and password for MLflow, if it asks for them."""
        if self.mlflow_tracking_username is None or self.mlflow_tracking_password is None:
            return None
        return self.mlflow_tracking_username, self.mlflow_tracking_password.get_secret_value()
