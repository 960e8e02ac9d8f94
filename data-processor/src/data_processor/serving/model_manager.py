"""Decides what this process serves: it follows the ledger and swaps versions with zero downtime.

A version is fetched, verified, loaded and tried in a background thread. Then a single assignment puts it in
place; requests that started with the old version keep it until they are answered.
"""

import gc
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from data_processor.gallery.views import GalleryView
from data_processor.models.ledger import Ledger
from data_processor.models.loaded import LoadedVersions
from data_processor.models.policy import Policy
from data_processor.models.registry import Registry
from data_processor.models.waiting import why_unserved
from data_processor.rows import ModelRow
from data_processor.service.errors import Conflict, NotReady, Problem
from data_processor.serving.loading import LoadedModel, Loader, reason_of
from data_processor.serving.metrics import ModelMetrics
from data_processor.serving.model_cache import ModelCache
from data_processor.serving.recognition import FaceEngine
from data_processor.settings import Settings

log = structlog.get_logger(__name__)

LONGEST_PAUSE_S = 60
"""The most seconds between two attempts at a version that cannot be loaded."""
SWAPPERS = 4
"""Versions loaded at the same time because the ledger names them."""


@dataclass(frozen=True)
class Failure:
    """A version that the stage should serve but that could not be loaded."""

    version: str
    reason: str
    attempts: int
    again_at: float


class ModelManager:
    """The versions in memory: those the stage serves, and a few others (`model_cache.py`)."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        ledger: Ledger,
        metrics: ModelMetrics,
        *,
        loader: Loader,
        loaded: LoadedVersions,
    ) -> None:
        """Serve what the ledger names for the stage in the settings, brought into memory by `loader`."""
        self.stage = settings.stage
        self._settings = settings
        self._loader = loader
        self._cache = ModelCache(self._loader, loaded.places)
        self._registry = registry
        self._ledger = ledger
        self._kept = loaded
        self._metrics = metrics
        self._serving: dict[str, LoadedModel] = {}
        self._rehearsed: dict[str, LoadedModel] = {}
        self._failures: dict[str, Failure] = {}
        self._loading: dict[str, Future[None]] = {}
        self._expected: set[str] | None = None
        self._lock = threading.Lock()
        self._keep_lock = threading.Lock()  # the database and the cache change together
        self._closed = threading.Event()
        self._swappers = ThreadPoolExecutor(SWAPPERS, thread_name_prefix="swapper")
        self._thread = threading.Thread(target=self._follow, name="ledger", daemon=True)

    def start(self) -> None:
        """Start following the ledger."""
        self._thread.start()

    def close(self) -> None:
        """Stop following the ledger; versions in memory still answer."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
        self._swappers.shutdown(cancel_futures=True)
        self._cache.close()

    def find(self, model: str) -> LoadedModel | None:
        """Return the version of a model that the stage serves, or None: `unavailable` then has the reason."""
        return self._serving.get(model)

    def gallery(self, model: str) -> GalleryView | None:
        """Return a model's gallery as the version that the stage serves sees it, if it recognises faces."""
        loaded = self._serving.get(model)
        return loaded.engine.view if loaded and isinstance(loaded.engine, FaceEngine) else None

    def unavailable(self, model: str) -> NotReady:
        """Return why the stage serves no version of a model; raises `NotFound` if there is no such model."""
        self._registry.get_model(model)
        failure = self._failures.get(model)
        if failure is not None:
            return NotReady(f"Version {failure.version} of {model!r} cannot be served: {failure.reason}")
        versions = self._registry.versions(model)
        if versions and self._ledger.current(model, self.stage) is None:
            return NotReady(why_unserved(versions[0], self.stage), headers={"Retry-After": "5"})
        return NotReady(
            f"Model {model!r} has no version in stage {self.stage!r} yet; it is being trained or loaded.",
            headers={"Retry-After": "5"},
        )

    def failure(self, model: str) -> Failure | None:
        """Return the version that the ledger names but that could not be loaded, if any."""
        return self._failures.get(model)

    def load_beside(self, model: str, version: str) -> Future[LoadedModel]:
        """Return a version that a caller named, as a future, whose result may raise `NotReady`.

        Raises `NotFound` for an unknown version, `Conflict` when no place is left beside the stage's own.
        """
        self._registry.version(model, version)
        return self._cache.ask(model, version)

    def load(self, model: str, version: str, subject: str) -> None:
        """Keep a version in memory until it is unloaded, here and in every other process; blocks.

        Raises `NotFound` for an unknown version, `Conflict` for one that cannot be loaded or finds no place.
        """
        self._registry.version(model, version)
        self._kept.require_place(model, version)
        own = self._serving.get(model)
        loaded = own if own and own.version == version else self._cache.find(model, version)
        loaded = loaded or self._tried(model, version)
        with self._keep_lock:
            self._kept.keep(model, version, subject)
            if loaded is not own:
                self._cache.put(loaded)
        log.info("version_kept", model=model, version=version, subject=subject)

    def unload(self, model: str, version: str, subject: str) -> None:
        """Stop keeping a version and evict it unless the stage serves it; raises `NotFound`."""
        self._registry.version(model, version)
        with self._keep_lock:
            self._kept.let_go(model, version)
            self._cache.drop(model, version)
        log.info("version_let_go", model=model, version=version, subject=subject)

    def rehearse(self, model: str, version: str) -> None:
        """Load a version and try it before the ledger names it; blocks.

        It is held for the swap. Raises `NotFound` for an unknown version, `Conflict` for one that fails.
        """
        self._rehearsed[model] = self._cache.find(model, version) or self._tried(model, version)

    def poll(self) -> None:
        """Compare what is served with the ledger once, and start loading what is new."""
        current = self._ledger.all_current(self.stage)
        models = {row.name: row for row in self._registry.list_models()}
        for model, row in models.items():
            if model in current:
                self._adjust(row, current[model].version)
        for model, rehearsed in list(self._rehearsed.items()):
            if model not in current or current[model].version != rehearsed.version:
                self._rehearsed.pop(model, None)  # the ledger did not take it up
        with self._lock:
            for model in self._serving.keys() - models.keys():
                self._serving = {name: other for name, other in self._serving.items() if name != model}
                self._metrics.gone(model)
                self._cache.changed()
            self._expected = set(current) & set(models)
        policies = {name: Policy.model_validate(row.policy) for name, row in models.items()}
        with self._keep_lock:
            self._cache.follow(self._kept.all(), self._serving, policies, self._registry.existing)

    def missing(self) -> str | None:
        """Say in a sentence which model should be served and is not; None when all are."""
        if self._expected is None:
            return "The ledger has not been read yet."
        for model in sorted(self._expected - self._serving.keys()):
            failure = self._failures.get(model)
            return f"Model {model!r} is not served: {failure.reason if failure else 'it is being loaded.'}"
        if self._settings.sample_model and not self._serving:
            return "The sample model is being trained; it takes about a minute."
        return None

    def _follow(self) -> None:
        while True:
            try:
                self.poll()
            except Exception:  # whatever happens to the database, versions in memory go on answering
                log.exception("ledger_unreadable", stage=self.stage)
            if self._closed.wait(self._settings.poll_interval_s):
                return

    def _adjust(self, row: ModelRow, version: str) -> None:
        """Start loading a version that is not served yet, or apply a change of the policy."""
        loaded = self._serving.get(row.name)
        if loaded is None or loaded.version != version:
            failure = self._failures.get(row.name)
            waits = failure and failure.version == version and time.monotonic() < failure.again_at
            if not waits and not self._is_loading(row.name):
                self._loading[row.name] = self._swappers.submit(self._swap, row.name, version)
            return
        self._failures.pop(row.name, None)  # the ledger may have returned to what is served
        policy = Policy.model_validate(row.policy)
        if policy != loaded.policy:
            changed = self._loader.with_policy(loaded, policy)
            with self._lock:
                if self._serving.get(row.name) is loaded:  # else it has been swapped out
                    self._serving = {**self._serving, row.name: changed}

    def _swap(self, model: str, version: str) -> None:
        try:
            rehearsed = self._rehearsed.pop(model, None)
            ready = rehearsed is not None and rehearsed.version == version
            loaded = rehearsed if rehearsed is not None and ready else self._loader.load(model, version)
        except Exception as error:  # noqa: BLE001  # it is logged, and the old version stays
            self._remember(model, version, error)
        else:
            with self._lock:
                before = self._serving.get(model)
                self._serving = {**self._serving, model: loaded}
                self._failures.pop(model, None)
            if before is not None:
                self._cache.put(before, only_if_kept=True)
                self._cache.changed()
            self._metrics.serves(model, version, loaded.manifest.engine)
            log.info("version_served", model=model, version=version, engine=loaded.manifest.engine)
            _settle()

    def _is_loading(self, model: str) -> bool:
        loading = self._loading.get(model)
        return loading is not None and not loading.done()

    def _remember(self, model: str, version: str, error: Exception) -> None:
        before = self._failures.get(model)
        attempts = before.attempts + 1 if before and before.version == version else 1
        pause = min(LONGEST_PAUSE_S, 2.0**attempts)
        self._failures[model] = Failure(version, reason_of(error), attempts, time.monotonic() + pause)
        self._metrics.failed(model)
        log.error("version_not_served", model=model, version=version, attempts=attempts, exc_info=error)

    def _tried(self, model: str, version: str) -> LoadedModel:
        try:
            return self._loader.load(model, version)
        except Problem:
            raise
        except Exception as error:
            log.exception("rehearsal_failed", model=model, version=version)
            raise Conflict(f"Version {version} of {model!r} cannot be served: {reason_of(error)}") from error


def _settle() -> None:
    """Exempt what was just loaded from garbage collection, as the server does at its start."""
    if gc.get_freeze_count():
        gc.freeze()
