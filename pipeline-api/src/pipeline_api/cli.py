"""The command `pipeline-api`."""

import argparse
import json
import secrets
import sys

from pydantic import SecretStr, ValidationError

from pipeline_api.app import create_app
from pipeline_api.auth.reset_password import CannotReset, reset_password
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
    reset = commands.add_parser(
        "reset-password",
        help="give somebody a new password, on the machine where the gateway's database is",
        description="Give somebody a new password, printed once, and revoke their tokens. It asks first.",
    )
    reset.add_argument("username", metavar="NAME", help="who has forgotten their password")
    asked = parser.parse_args()
    # Neither depends on these two, and should require them.
    unused = SecretStr(secrets.token_hex())
    if asked.command == "contract":
        document = create_app(Settings(service_token=unused, caller_key=unused)).openapi()
        json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
        return
    try:
        if asked.command == "reset-password":
            reset_password(Settings(service_token=unused, caller_key=unused), asked.username)
            return
        settings = Settings()  # type: ignore[call-arg]  # the environment has the rest
    except CannotReset as error:
        parser.exit(1, f"{error}\n")
    except ValidationError as error:
        # Without the values: they may be secrets with a typo.
        wrong = (f"{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        parser.exit(1, "pipeline-api cannot start:\n" + "".join(f"  {line}\n" for line in wrong))
    configure_logging(settings)
    configure_telemetry(settings)
    run(create_app(settings), settings)
