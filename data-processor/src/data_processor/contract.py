"""The OpenAPI document, with every error described as what it is: RFC 9457 problem details."""

from typing import Any

from data_processor.service.errors import MEDIA_TYPE

Document = dict[str, Any]

PROBLEMS = {
    "400": "The request is malformed.",
    "401": "The service token or the caller's signature is missing, wrong or expired.",
    "404": "It does not exist, or this caller may not see it.",
    "409": "The current state does not allow it.",
    "413": "The body is too large.",
    "422": "The payload does not match its schema; `errors` names every bad field.",
    "500": "The service failed; the request had no effect.",
    "503": "Not ready yet; `Retry-After` says when to try again.",
}
PROBLEM = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["loc", "message"],
                "properties": {
                    "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
_FRAMEWORKS_OWN = ("HTTPValidationError", "ValidationError")
_SECURITY = {
    "service": {"type": "http", "scheme": "bearer", "description": "The gateway's service token."},
    "caller": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Loopkeeper-Caller",
        "description": "The caller's subject and role, signed by the gateway.",
    },
}


def describe(document: Document) -> Document:
    """Return FastAPI's document with our problem details in place of its own error models."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _FRAMEWORKS_OWN:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    components["securitySchemes"] = _SECURITY
    for path, item in document["paths"].items():
        if path.startswith("/v1/"):
            for operation in item.values():
                _describe_operation(operation)
    return document


def _describe_operation(operation: Document) -> None:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, description in PROBLEMS.items():
        operation["responses"][status] = {"description": description, "content": content}
    operation["responses"] = dict(sorted(operation["responses"].items()))
    operation["security"] = [{"service": [], "caller": []}]
