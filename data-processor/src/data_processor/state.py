"""What the lifespan opens once and every route reaches: typed, and closed in one place."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from data_processor.caller import Callers
from data_processor.database import Database
from data_processor.datasets.exploration.profiles import Profiles
from data_processor.datasets.library import Library
from data_processor.feedback.judgements import Judgements
from data_processor.models.catalogue import Catalogue
from data_processor.models.ledger import Ledger
from data_processor.models.loaded import LoadedVersions
from data_processor.models.registry import Registry
from data_processor.serving.explanations import Explanations
from data_processor.serving.history import History
from data_processor.serving.predictions import Predictor
from data_processor.serving.records import PredictionStore
from data_processor.serving.stages import Stages
from data_processor.settings import Settings
from data_processor.training.evaluations import Evaluations
from data_processor.training.runs import Runs


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
    judgements: Judgements
    catalogue: Catalogue
    library: Library
    profiles: Profiles
    history: History
    explanations: Explanations
    evaluations: Evaluations
    predictions: PredictionStore
    stages: Stages
    predictor: Predictor


async def _current_state(request: Request) -> State:  # not `def`: a thread costs more than this
    return cast("State", request.app.state.loopkeeper)


StateDep = Annotated[State, Depends(_current_state)]
