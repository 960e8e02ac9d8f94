"""The command `pipeline-api`."""

import argparse
import json
import secrets
import sys

from pydantic import SecretStr, ValidationError

from pipeline_api.app import create_app
from pipeline_api.service.logging import configure_logging
from pipeline_api.service.server import run
from pipeline_api.service.telemetry import configure_telemetry
from pipeline_api.settings import Settings


def main() -> None:
    """Run Loopkeeper's gateway: who is calling, what they may do, and how often."""
    parser = argparse.ArgumentParser(
        prog="pipeline-api",
        description=main.__doc__,
        epilog="It is configured by environment variables: see README.md.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="answer requests until told to stop")
    commands.add_parser("contract", help="print the public OpenAPI document")
    if parser.parse_args().command == "contract":
        # The document depends on no setting, and printing it should require none.
        unused = SecretStr(secrets.token_hex())
        document = create_app(Settings(service_token=unused, caller_key=unused)).openapi()
        json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
        return
    try:
        settings = Settings()  # type: ignore[call-arg]  # the environment has the rest
    except ValidationError as error:
        # Without the values: they may be secrets with a typo.
        wrong = (f"{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        parser.exit(1, "pipeline-api cannot start:\n" + "".join(f"  {line}\n" for line in wrong))
    configure_logging(settings)
    configure_telemetry(settings)
    run(create_app(settings), settings)
