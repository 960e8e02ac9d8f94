"""Profiles of small tables, computed here and now."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from data_processor.datasets.exploration.computing import compute
from data_processor.datasets.exploration.sampling import Sample
from data_processor.datasets.exploration.schemas import Profile
from data_processor.datasets.inference import infer_schema
from data_processor.datasets.tables import keepable
from data_processor.features.split import PROVENANCE

Explore = Callable[..., Profile]


@pytest.fixture(scope="session")
def explore() -> Explore:
    """Compute the profile of a frame as if it had been stored."""

    def explore(frame: pd.DataFrame, target: str, task: Any = None, **kinds: Any) -> Profile:
        schema = infer_schema(frame, target, task=task, kinds=kinds)
        kept = keepable(frame, schema).drop(columns=list(PROVENANCE))
        missing = {str(name): int(count) for name, count in kept.isna().sum().items()}
        return compute("people", 2, schema, Sample(kept, len(kept), missing), lambda _what, _share: None)

    return explore
