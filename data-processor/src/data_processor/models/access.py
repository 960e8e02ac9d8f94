"""The registry as a step of background work reaches it."""

from data_processor.adapters.mlflow_artefacts import MlflowArtefacts
from data_processor.models.registry import Registry
from data_processor.models.signatures import Signer
from data_processor.runs.context import TaskContext


def registry_of(context: TaskContext) -> Registry:
    """Return the models and versions of this stage; one registry for each child process."""
    return context.keep("registry", lambda: _open(context))


def _open(context: TaskContext) -> Registry:
    settings = context.settings
    return Registry(
        context.database, settings.models_dir, MlflowArtefacts(context.mlflow), Signer.of(settings)
    )
