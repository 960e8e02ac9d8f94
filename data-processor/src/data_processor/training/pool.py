"""Where the fits of a search are done: by threads of this process, or by the machines of a Dask cluster.

Both are a `concurrent.futures.Executor`; a search knows no difference. A cluster that cannot be reached, or
has no worker, does not keep a run from training: its log says so, and the fits are done here.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

CONNECT_S = 10
"""How long to wait for a scheduler, and then for its first worker."""


@dataclass(frozen=True)
class Pool:
    """Where fits are done."""

    executor: Executor
    count: Callable[[], int]
    """How many fits it does at the same time; a cluster may grow and shrink."""
    share: Callable[[Any], Any]
    """Hand over once what every fit needs; what it returns stands for it in `executor.submit`."""
    name: str


@contextmanager
def local_pool(threads: int | None = None) -> Iterator[Pool]:
    """Yield a pool of threads: one fit for each, by default as many as there are cores.

    Leaving it does not wait for fits that nobody needs any more.
    """
    count = threads or os.cpu_count() or 1
    executor = ThreadPoolExecutor(count, thread_name_prefix="fit")
    try:
        yield Pool(
            executor, lambda: count, lambda value: value, "one thread" if count == 1 else f"{count} threads"
        )
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


@contextmanager
def open_pool(scheduler: str | None, threads: int | None, say: Callable[[str], None]) -> Iterator[Pool]:
    """Yield the cluster at a scheduler's address if one is given and has a worker, else threads."""
    if scheduler is None:
        with local_pool(threads) as pool:
            yield pool
        return
    from distributed import Client  # noqa: PLC0415  # a second that only searches on a cluster should wait for

    try:
        client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError) as error:
        say(f"The Dask scheduler at {scheduler} does not answer ({error}); this worker fits the candidates.")
        with local_pool(threads) as pool:
            yield pool
        return
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError:
        client.close()
        say(f"The Dask scheduler at {scheduler} has no worker; this worker fits the candidates.")
        with local_pool(threads) as pool:
            yield pool
        return
    with client:
        yield Pool(
            client.get_executor(pure=False),
            lambda: max(1, sum(client.nthreads().values())),
            lambda value: client.scatter(value, broadcast=True, hash=False),
            f"{len(client.nthreads())} workers of the Dask cluster at {scheduler}",
        )
