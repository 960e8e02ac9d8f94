"""`/v2`: the routes of the Open Inference Protocol. An infer call is one prediction call to the processor."""

from collections.abc import Sequence
from importlib.metadata import version as package_version
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field, ValidationError
from pydantic.json_schema import models_json_schema

from pipeline_api.auth.dependencies import UserDep
from pipeline_api.auth.verifier import Verified
from pipeline_api.headers import request_headers
from pipeline_api.oip import schemas
from pipeline_api.oip.errors import OipRoute, Relayed, Unexpected
from pipeline_api.oip.tensors import RowSchema, input_metadata, output_metadata, outputs_of, rows_of
from pipeline_api.routing import path_of
from pipeline_api.service.errors import BadRequest, FieldError, Invalid, NotFound, NotReady
from pipeline_api.service.health import Check
from pipeline_api.state import Gateway, GatewayDep

PREDICT_TIMEOUT_S = 30
READ_TIMEOUT_S = 10
_OK = 200
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)
"""What decoding an answer raises that is not what it should be."""

Name = Annotated[str, Path(max_length=256)]
_SCHEMAS = "#/components/schemas/"
_INFER_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": f"{_SCHEMAS}InferRequest"}}},
    },
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The same key and body give the same answer, recorded once; another body: 409.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        }
    ],
}


def body_schemas() -> dict[str, Any]:
    """Return the schemas of bodies that are parsed here and not by FastAPI, by name, for the contract."""
    _, definitions = models_json_schema(
        [(schemas.InferRequest, "validation")], ref_template=_SCHEMAS + "{model}"
    )
    found: dict[str, Any] = definitions["$defs"]
    return found


class _Version(BaseModel):
    version: str


class _Model(BaseModel):
    """What the data-processor says about a model, as far as the protocol needs it."""

    name: str
    task: str
    ready: bool
    schema_: RowSchema = Field(alias="schema")
    classes: list[str] = []
    versions: list[_Version] = []

    @property
    def version_names(self) -> list[str]:
        """Return the names of its versions."""
        return [item.version for item in self.versions]

    @property
    def outputs(self) -> list[schemas.TensorMetadata]:
        """Return the tensors of its answers."""
        return output_metadata(self.task, self.classes)


def oip_router(processor_ready: Check) -> APIRouter:
    """Return the protocol's routes; `processor_ready` raises a problem unless a model is served."""
    router = APIRouter(prefix="/v2", tags=["open inference protocol"], route_class=OipRoute)

    @router.get("/health/ready", summary="Server readiness")
    async def server_ready(_caller: UserDep) -> schemas.ServerReady:
        await processor_ready()
        return schemas.ServerReady(ready=True)

    router.add_api_route("", server_metadata, summary="Server metadata")
    router.add_api_route("/health/live", server_live, summary="Server liveness")
    for prefix, what in (("", "a model"), ("/versions/{version}", "one version of a model")):
        path = f"/models/{{model}}{prefix}"
        router.add_api_route(path, model_metadata, summary=f"Metadata of {what}")
        router.add_api_route(f"{path}/ready", model_ready, summary=f"Readiness of {what}")
        router.add_api_route(
            f"{path}/infer",
            infer,
            methods=["POST"],
            summary=f"Predict with {what}",
            openapi_extra=_INFER_BODY,
            response_model_exclude_none=True,  # an id that was not given is absent
        )
    return router


async def server_metadata(_caller: UserDep) -> schemas.ServerMetadata:
    """Return the server's name and version."""
    return schemas.ServerMetadata(name="loopkeeper", version=package_version("pipeline-api"), extensions=[])


async def server_live(_caller: UserDep) -> schemas.ServerLive:
    """Answer 200."""
    return schemas.ServerLive(live=True)


async def model_metadata(
    gateway: GatewayDep, caller: UserDep, model: Name, version: Name | None = None
) -> schemas.ModelMetadata:
    """Return a model's tensors: one input per column, one output per part of the answer."""
    found = await _find(gateway, caller, model, version)
    return schemas.ModelMetadata(
        name=found.name,
        versions=found.version_names,
        platform=f"loopkeeper_{found.task}",
        inputs=input_metadata(found.schema_),
        outputs=found.outputs,
    )


async def model_ready(
    gateway: GatewayDep, caller: UserDep, model: Name, version: Name | None = None
) -> schemas.ModelReady:
    """Answer 200 when the model or the version is ready to predict, 503 when it is not yet."""
    found = await _find(gateway, caller, model, version)
    if version is None and not found.ready:  # a version requested by name is loaded on demand
        raise NotReady(f"The model '{model}' does not serve a version yet.")
    return schemas.ModelReady(name=found.name, ready=True)


async def infer(
    request: Request, gateway: GatewayDep, caller: UserDep, model: Name, version: Name | None = None
) -> schemas.InferResponse:
    """Predict: one tensor per column in, one per part of the answer out. Every prediction is recorded."""
    if "inference-header-content-length" in request.headers:
        raise BadRequest("Tensors are only accepted as JSON: set binary_data=False.")
    with caller.rate_limit:
        asked = _parse(await request.body())
        prediction_request: dict[str, Any] = {"inputs": rows_of(asked)}
        if version is not None:
            prediction_request["version"] = version
        wanted = [output.name for output in asked.outputs or []]
        if asked.outputs:
            # Before anything is predicted, because every prediction is recorded.
            _check_outputs(asked.outputs, await _find(gateway, caller, model, version))
        _, passed = request_headers(request.scope["headers"])
        answer = await gateway.upstream.request(
            "POST",
            path_of("v1", "models", model, "predictions"),
            headers=gateway.upstream.headers(caller, passed | {"Content-Type": "application/json"}),
            timeout_s=PREDICT_TIMEOUT_S,
            body=msgspec.json.encode(prediction_request),
        )
    if answer.status != _OK:
        raise Relayed(answer)
    try:
        predicted = msgspec.json.decode(answer.body)
        return schemas.InferResponse(
            model_name=predicted["model"],
            model_version=predicted["version"],
            id=asked.id,
            outputs=outputs_of(predicted["predictions"], wanted),
        )
    except _UNREADABLE as error:
        raise Unexpected(f"predictions of the model '{model}'") from error


async def _find(gateway: Gateway, caller: Verified, model: str, version: str | None) -> _Model:
    answer = await gateway.upstream.request(
        "GET",
        path_of("v1", "models", model),
        headers=gateway.upstream.headers(caller),
        timeout_s=READ_TIMEOUT_S,
    )
    if answer.status != _OK:
        raise Relayed(answer)
    try:
        found = _Model.model_validate_json(answer.body)
    except ValidationError as error:
        raise Unexpected(f"the model '{model}'") from error
    if version is not None and version not in found.version_names:
        raise NotFound(f"The model '{model}' has no version '{version}'.")
    return found


def _parse(body: bytes) -> schemas.InferRequest:
    try:
        return schemas.InferRequest.model_validate_json(body)
    except ValidationError as error:
        errors = [FieldError(loc=e["loc"], message=e["msg"]) for e in error.errors(include_input=False)]
        raise Invalid("The body is not a valid inference request; see errors.", errors=errors) from error


def _check_outputs(wanted: Sequence[schemas.RequestedOutput], model: _Model) -> None:
    given = [output.name for output in model.outputs]
    errors: list[FieldError] = []
    for index, output in enumerate(wanted):
        if output.name not in given:
            why = f"The model '{model.name}' has no output '{output.name}'; it has {', '.join(given)}."
        elif output.name in (other.name for other in wanted[:index]):
            why = f"The output '{output.name}' is requested twice; name it once."
        elif "classification" in (output.parameters or {}):
            why = "The classification extension is not offered; read `label` and `probabilities` instead."
        else:
            continue
        errors.append({"loc": ["outputs", index], "message": why})
    if errors:
        raise Invalid(errors[0]["message"], errors=errors)
