"""The messages of the protocol, with its own names (github.com/open-inference/open-inference-protocol)."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Datatype = Literal[
    "BOOL",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "FP16",
    "FP32",
    "FP64",
    "BYTES",
]
Parameters = dict[str, str | int | float | bool]


class RequestTensor(BaseModel):
    """One column: a value per row."""

    model_config = ConfigDict(strict=True)

    name: str = Field(min_length=1, max_length=256)
    shape: list[int] = Field(
        min_length=1, max_length=2, description="`[n]` or `[n, 1]`, where n is the number of rows."
    )
    datatype: Datatype = Field(
        description="What the values are; whatever it does not hold is refused. "
        "BOOL takes true and false, BYTES text."
    )
    data: list[Any] = Field(
        description="n values in the order of the rows; with the shape `[n, 1]` also each in a list of its "
        "own. `null`, and in FP tensors NaN, where a value is missing."
    )
    parameters: dict[str, Any] | None = None


class RequestedOutput(BaseModel):
    """An output to return."""

    name: str
    parameters: dict[str, Any] | None = None


class InferRequest(BaseModel):
    """What to predict: one tensor per column."""

    id: str | None = Field(default=None, max_length=256)
    parameters: dict[str, Any] | None = None
    inputs: list[RequestTensor] = Field(min_length=1)
    outputs: list[RequestedOutput] | None = Field(
        default=None, description="The outputs to return, in this order; none: all of them."
    )


class ResponseTensor(BaseModel):
    """One output."""

    name: str
    shape: list[int]
    datatype: Datatype
    parameters: Parameters = {}
    data: list[str | float | bool | None]


class InferResponse(BaseModel):
    """What was predicted."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[ResponseTensor]


class TensorMetadata(BaseModel):
    """A tensor's type and shape; -1 stands for any number of rows."""

    name: str
    datatype: Datatype
    shape: list[int]
    parameters: Parameters = {}


class ModelMetadata(BaseModel):
    """A model's input and output tensors."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(BaseModel):
    """The server's name and version."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(BaseModel):
    """Whether the server is alive."""

    live: bool


class ServerReady(BaseModel):
    """Whether the server serves a model."""

    ready: bool


class ModelReady(BaseModel):
    """Whether a model is ready to predict."""

    name: str
    ready: bool
