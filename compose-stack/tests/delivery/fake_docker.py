"""A docker command line without an engine: what it knows and did is in one JSON file beside it.

It does what the real one does as far as a deployment can tell: tags move, digests do not, `up` fails when an
image is unhealthy, and then leaves it running.
"""

import json
import sys
from pathlib import Path
from typing import Any

STATE = Path(__file__).with_name("docker.json")
ID = 64


def main() -> int:
    state = json.loads(STATE.read_text())
    arguments = sys.argv[1:]
    state["calls"].append(arguments)
    try:
        answer = compose(state, arguments[1:]) if arguments[0] == "compose" else plain(state, arguments)
    except LookupError as error:
        sys.stderr.write(f"Error: {error.args[0]}\n")
        return 1
    finally:
        STATE.write_text(json.dumps(state))
    sys.stdout.write(answer)
    return 0


def plain(state: dict[str, Any], arguments: list[str]) -> str:
    match arguments:
        case ["pull", reference]:
            digest = reference.partition("@")[2] or state["registry"].get(reference)
            if digest is None:
                raise LookupError(f"manifest for {reference} not found")
            name = (
                reference.partition("@")[0].rpartition(":")[0]
                if "@" not in reference
                else reference.partition("@")[0]
            )
            state["images"][reference] = state["images"][f"{name}@{digest}"] = digest
            return f"latest: Pulling\nDigest: {digest}\nStatus: Downloaded\n"
        case ["image", "inspect", "--format", "{{.Id}}", reference]:
            if reference not in state["images"]:
                raise LookupError(f"No such image: {reference}")
            return f"{state['images'][reference]}\n"
        case ["tag", image, name]:
            state["images"][name] = image
            return ""
        case ["inspect", "--format", "{{.Image}}", container]:
            return f"{state['images'][state['running'][container]]}\n"
    raise LookupError(f"unknown command {arguments}")


def compose(state: dict[str, Any], arguments: list[str]) -> str:
    values: dict[str, str] = {}
    while arguments[0].startswith("--"):
        option, value, *arguments = arguments
        if option == "--env-file":
            lines = (line.partition("=") for line in Path(value).read_text().splitlines())
            values |= {name: text for name, _, text in lines}
    wanted = {service: values[variable] for service, variable in state["services"].items()}
    command, *options = arguments
    if command == "config":
        return json.dumps(
            {"services": {name: {"image": image} for name, image in wanted.items()} | {"s3": {}}}
        )
    if command == "up":
        state["running"] = wanted
        for service, reference in wanted.items():
            if reference not in state["images"]:
                raise LookupError(f"No such image: {reference}")
            if state["images"][reference] in state["unhealthy"]:
                raise LookupError(f"container {service}-1 is unhealthy")
    if command == "ps":
        return "".join(f"{name}\n" for name in state["running"] if name == options[-1])
    if command == "stop":
        state["running"] = {name: image for name, image in state["running"].items() if name not in options}
    return "a line of its log\n" if command == "logs" else ""


if __name__ == "__main__":
    sys.exit(main())
