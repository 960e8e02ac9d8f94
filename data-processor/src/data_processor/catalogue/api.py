"""The routes of models, their versions and the ledger."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Query

from data_processor.caller import Caller, CallerDep
from data_processor.catalogue.schemas import (
    ModelCreated,
    ModelDetail,
    ModelRequest,
    ModelsDeleted,
    ModelShort,
    PolicyChange,
    PolicyChanged,
    PromotionEntry,
    PromotionRequest,
    RollbackRequest,
    VersionMemory,
    VersionsDeleted,
    VersionShort,
)
from data_processor.catalogue.service import Catalogue
from data_processor.catalogue.traffic import Traffic, TrafficLog
from data_processor.dependencies import current_state
from data_processor.models.ledger import UNSET, Ledger
from data_processor.models.loaded import LoadedVersions
from data_processor.models.registry import Registry
from data_processor.service.errors import Invalid
from data_processor.serving.model_manager import ModelManager
from data_processor.settings import Settings
from data_processor.statistics.receipt import without_names


class State(Protocol):
    """What these routes need of what the lifespan opens."""

    catalogue: Catalogue
    ledger: Ledger
    loaded: LoadedVersions
    registry: Registry
    settings: Settings
    traffic: TrafficLog
    manager: ModelManager


StateDep = Annotated[State, Depends(current_state)]


router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("")
def list_models(state: StateDep, _caller: CallerDep) -> list[ModelShort]:
    """List the models, each with the version that is served and its score."""
    return state.catalogue.models()


@router.post("", status_code=201)
def create_model(body: ModelRequest, state: StateDep, caller: CallerDep) -> ModelCreated:
    """Create a model from a dataset; a run that trains its first version is queued at once."""
    row, run = state.catalogue.create(body, caller.subject)
    return ModelCreated.model_validate(
        {"name": row.name, "task": row.task, "dataset": row.dataset, "run": run}
    )


@router.get("/{model}")
def read_model(model: str, state: StateDep, caller: CallerDep) -> ModelDetail:
    """Show a model: the schema of its inputs, its classes, its policy, its versions."""
    failure = state.manager.failure(model)
    problem = f"Version {failure.version} is not served: {failure.reason}" if failure else None
    found = state.catalogue.model(model, ready=state.manager.find(model) is not None, problem=problem)
    return found.model_copy(update={"versions": _seen_by(caller, found.versions)})


@router.patch("/{model}")
def change_policy(model: str, body: PolicyChange, state: StateDep, _caller: CallerDep) -> PolicyChanged:
    """Change fields of a model's policy; 422 names every field that is wrong."""
    return PolicyChanged(name=model, policy=state.registry.change_policy(model, body.policy))


@router.delete("/{model}", status_code=204)
def delete_model(model: str, state: StateDep, _caller: CallerDep) -> None:
    """Delete a model and its versions; 409 for a default model, and while it is served or a run is open."""
    state.registry.delete_model(model)


@router.delete("")
def delete_unused_models(
    state: StateDep, _caller: CallerDep, dataset: Annotated[str | None, Query(max_length=256)] = None
) -> ModelsDeleted:
    """Delete every model that people made and nothing needs, if given only those on one dataset."""
    deleted, kept = state.registry.delete_unused_models(dataset)
    return ModelsDeleted(deleted=deleted, kept=kept)


@router.get("/{model}/versions")
def list_versions(model: str, state: StateDep, caller: CallerDep) -> list[VersionShort]:
    """List a model's versions, newest first."""
    return _seen_by(caller, state.catalogue.versions(model))


@router.post("/{model}/versions/{version}/load")
def load_version(model: str, version: str, state: StateDep, caller: CallerDep) -> VersionMemory:
    """Keep a version in memory beside the stage's own until it is unloaded; 409 if no place is left."""
    state.manager.load(model, version, caller.subject)
    return _memory(state, model, version)


@router.post("/{model}/versions/{version}/unload")
def unload_version(model: str, version: str, state: StateDep, caller: CallerDep) -> VersionMemory:
    """Unload a version from memory; what the stage serves stays loaded."""
    state.manager.unload(model, version, caller.subject)
    return _memory(state, model, version)


@router.delete("/{model}/versions")
def delete_unused_versions(model: str, state: StateDep, _caller: CallerDep) -> VersionsDeleted:
    """Delete every version that nothing needs; a default model keeps its first."""
    return VersionsDeleted(deleted=state.registry.delete_unused_versions(model))


@router.delete("/{model}/versions/{version}", status_code=204)
def delete_version(model: str, version: str, state: StateDep, _caller: CallerDep) -> None:
    """Delete a version; 409 while a stage serves it."""
    state.registry.delete_version(model, version)


@router.get("/{model}/traffic")
def read_traffic(
    model: str, state: StateDep, _caller: CallerDep, hours: Annotated[int, Query(ge=1, le=168)] = 24
) -> Traffic:
    """Show how much a model was asked lately, how fast it answered, and what it refused."""
    state.registry.get_model(model)
    return state.traffic.of(model, hours)


@router.get("/{model}/promotions")
def read_ledger(
    model: str,
    state: StateDep,
    _caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> list[PromotionEntry]:
    """Read a model's ledger, newest first."""
    state.registry.get_model(model)
    return [PromotionEntry.model_validate(entry) for entry in state.ledger.entries(model, limit)]


@router.post("/{model}/promotions", status_code=201)
def promote(model: str, body: PromotionRequest, state: StateDep, caller: CallerDep) -> PromotionEntry:
    """Let the stage serve a version; 409 if the stage has moved meanwhile or the version has no receipt."""
    _own_stage(state, body.stage)
    state.manager.rehearse(model, body.version)
    entry = state.ledger.promote(
        model,
        body.stage,
        body.version,
        caller.subject,
        body.reason,
        expected_version=body.expected_version if "expected_version" in body.model_fields_set else UNSET,
        override=body.override,
    )
    return PromotionEntry.model_validate(entry)


@router.post("/{model}/rollback", status_code=201)
def roll_back(model: str, body: RollbackRequest, state: StateDep, caller: CallerDep) -> PromotionEntry:
    """Return the stage to the version it served before."""
    _own_stage(state, body.stage)
    entry = state.ledger.rollback(model, body.stage, caller.subject, body.reason)
    return PromotionEntry.model_validate(entry)


def _seen_by(caller: Caller, versions: Sequence[VersionShort]) -> list[VersionShort]:
    """Return versions as a caller may see them: users do not learn who else gave feedback."""
    if caller.sees_everything:
        return list(versions)
    return [
        version.model_copy(update={"receipt": version.receipt and without_names(version.receipt)})
        for version in versions
    ]


def _memory(state: State, model: str, version: str) -> VersionMemory:
    kept = state.loaded.all()
    return VersionMemory(
        model=model,
        version=version,
        loaded=(model, version) in kept,
        places=state.loaded.places,
        taken=len(kept),
    )


def _own_stage(state: State, stage: str) -> None:
    mine = state.settings.stage
    if stage != mine:
        message = f"is {stage!r}, but this stack serves {mine!r}; ask the stack of {stage!r}"
        raise Invalid("The stage was not moved.", errors=[{"loc": ["body", "stage"], "message": message}])
