"""The versions in memory beside those that the stage serves: a cache with pinned entries.

All share a fixed number of places. A version that an engineer loaded keeps its place until it is unloaded;
the places that are left hold the versions that requests named most recently (least recently used leaves).

Memory is freed when the last request that uses an evicted version has been answered; at the next poll the
allocator is told to return it to the operating system.
"""

import ctypes
import gc
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from data_processor.models.loaded import Key
from data_processor.models.policy import Policy
from data_processor.service.errors import Conflict, NotReady
from data_processor.serving.loading import LoadedModel, Loader, reason_of

log = structlog.get_logger(__name__)

LOADERS = 2
"""Versions loaded at the same time; they never delay those that the ledger names."""
PAUSE_S = 30
"""Seconds between two attempts at a kept version that cannot be loaded."""


class ModelCache:
    """Holds versions beside those that the stage serves."""

    def __init__(self, loader: Loader, places: int) -> None:
        """Hold at most `places` versions."""
        self._loader = loader
        self._places = places
        self._held: OrderedDict[Key, Future[LoadedModel]] = OrderedDict()
        self._kept: frozenset[Key] = frozenset()
        self._again_at: dict[Key, float] = {}
        self._untidy = False
        self._lock = threading.Lock()
        self._loaders = ThreadPoolExecutor(LOADERS, thread_name_prefix="model-cache")

    def close(self) -> None:
        """Load nothing more; what is in memory still answers."""
        self._loaders.shutdown(cancel_futures=True)

    def ask(self, model: str, version: str) -> Future[LoadedModel]:
        """Return a version as a future, whose result may raise `NotReady`; concurrent callers share it.

        Raises `Conflict` when every place is taken by a version that is kept.
        """
        key = (model, version)
        with self._lock:
            if key not in self._held and key not in self._kept and len(self._kept) >= self._places:
                raise Conflict(self._refusal(model, version))
            return self._hold(key)

    def find(self, model: str, version: str) -> LoadedModel | None:
        """Return a version that is in memory already, or None."""
        with self._lock:
            return _ready(self._held.get((model, version)))

    def put(self, loaded: LoadedModel, *, only_if_kept: bool = False) -> None:
        """Add a loaded version and keep it; with `only_if_kept`, add it only if it is kept already."""
        key = (loaded.model, loaded.version)
        with self._lock:
            if only_if_kept and key not in self._kept:
                return
            self._kept |= {key}
            self._held[key] = _done(loaded)
            self._evict()

    def drop(self, model: str, version: str) -> None:
        """Evict a version, kept or not."""
        with self._lock:
            self._kept -= {(model, version)}
            self._remove((model, version))

    def changed(self) -> None:
        """Note that the stage let a version go, so that its memory is returned as well."""
        self._untidy = True

    def follow(
        self,
        kept: frozenset[Key],
        serving: Mapping[str, LoadedModel],
        policies: Mapping[str, Policy],
        exist: Callable[[list[Key]], set[Key]],
    ) -> None:
        """Hold what the database says is kept; evict what was deleted and what the stage itself serves now.

        `policies` are the current ones by model. Call this at every poll: it also returns memory.
        """
        if self._untidy:
            self._untidy = False
            return_memory()
        with self._lock:
            held = list(self._held)
        known = exist(held) if held else set()
        with self._lock:
            for key in self._kept - kept:
                self._remove(key)
            self._kept = kept
            for key in [*self._held]:
                model, version = key
                own = serving.get(model)
                if (key in held and key not in known) or (own is not None and own.version == version):
                    self._remove(key)
                elif (found := _ready(self._held[key])) and found.policy != policies.get(model, found.policy):
                    self._held[key] = _done(self._loader.with_policy(found, policies[model]))
            own_versions = {(own.model, own.version) for own in serving.values()}
            for key in kept - own_versions - self._held.keys():
                if time.monotonic() >= self._again_at.get(key, 0):
                    self._hold(key)
            self._evict()

    def _hold(self, key: Key) -> Future[LoadedModel]:
        loading = self._held.get(key)
        if loading is None:
            loading = self._held[key] = self._loaders.submit(self._load, key)
        self._held.move_to_end(key)
        self._evict()
        return loading

    def _evict(self) -> None:
        """Evict the least recently used versions that are not kept until there are places enough."""
        surplus = len(self._held.keys() | self._kept) - self._places
        for key in [key for key in self._held if key not in self._kept][: max(0, surplus)]:
            self._remove(key)

    def _remove(self, key: Key) -> None:
        if self._held.pop(key, None) is not None:
            self._untidy = True

    def _load(self, key: Key) -> LoadedModel:
        model, version = key
        try:
            loaded = self._loader.load(model, version)
        except Exception as error:
            with self._lock:
                self._held.pop(key, None)
                self._again_at[key] = time.monotonic() + PAUSE_S
            log.exception("version_not_loaded", model=model, version=version)
            raise NotReady(f"Version {version} of {model!r} cannot be loaded: {reason_of(error)}") from error
        self._again_at.pop(key, None)
        log.info("version_loaded", model=model, version=version)
        return loaded

    def _refusal(self, model: str, version: str) -> str:
        name = f"Version {version} of {model!r} is not the one the stage serves, and this server keeps"
        if not self._places:
            return f"{name} no others in memory (PINNED_VERSIONS is 0). Leave out `version`."
        kept = ", ".join(f"version {held} of {other!r}" for other, held in sorted(self._kept))
        return f"{name} {kept} in memory, which takes all {self._places} places. Unload one of them first."


def return_memory() -> None:
    """Give freed memory back to the system; the C library of Linux would otherwise hold on to it."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _ready(loading: Future[LoadedModel] | None) -> LoadedModel | None:
    if loading is None or not loading.done() or loading.cancelled() or loading.exception():
        return None
    return loading.result()


def _done(loaded: LoadedModel) -> Future[LoadedModel]:
    loading: Future[LoadedModel] = Future()
    loading.set_result(loaded)
    return loading
