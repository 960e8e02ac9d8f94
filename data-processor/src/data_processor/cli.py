"""The command `data-processor`: one program, two processes."""

import argparse
import json
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> None:
    """Loopkeeper's engine room: it answers (`serve`), and it trains (`work`)."""
    parser = argparse.ArgumentParser(
        prog="data-processor",
        description=main.__doc__,
        epilog="Environment variables configure it: see README.md.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("serve", help="answer requests until stopped")
    commands.add_parser("work", help="carry out runs in the background until stopped")
    sample = commands.add_parser(
        "train-sample",
        help="train census-income on the real UCI Adult data",
        description="Train census-income on the real UCI Adult data instead of the synthetic sample: from "
        "OpenML, or from a CSV file if there is no internet connection. `work` must be running.",
    )
    sample.add_argument(
        "--csv", type=Path, help="a CSV file with the columns of UCI Adult (default: fetch it from OpenML)"
    )
    rows = commands.add_parser(
        "sample-rows",
        help="print synthetic census rows",
        description="Print synthetic census rows that describe nobody, one JSON object per line: the inputs "
        "of the sample model and the true label. The same arguments print the same rows.",
    )
    rows.add_argument("--n", type=int, default=10, help="how many rows to print (default: 10)")
    rows.add_argument("--seed", type=int, default=0, help="the random seed (default: 0)")
    rows.add_argument(
        "--drift",
        type=float,
        default=0.0,
        help="how much the causes of income have changed, from 0 (the default) to 1",
    )
    signing = commands.add_parser(
        "sign-versions",
        help="sign versions that have no valid signature",
        description="Sign the versions that are not loaded because their signature is missing or wrong, for "
        "example after SIGNING_KEY was lost or replaced. It lists them first and asks: whoever confirms "
        "vouches for them.",
    )
    signing.add_argument("--yes", action="store_true", help="sign all that are listed without asking")
    commands.add_parser("contract", help="print the OpenAPI document")
    asked = parser.parse_args(arguments)
    commands_: dict[str, Callable[[argparse.Namespace], None]] = {
        "serve": _serve,
        "work": _work,
        "train-sample": _train_sample,
        "sample-rows": _sample_rows,
        "sign-versions": _sign_versions,
        "contract": _contract,
    }
    commands_[asked.command](asked)


# Each command imports what it needs: `serve` never loads the libraries that train, and --help loads nothing.


def _serve(_asked: argparse.Namespace) -> None:
    from data_processor.app import create_app  # noqa: PLC0415  # see above
    from data_processor.service.logging import configure_logging  # noqa: PLC0415
    from data_processor.service.server import run  # noqa: PLC0415
    from data_processor.service.telemetry import configure_telemetry  # noqa: PLC0415
    from data_processor.settings import Settings  # noqa: PLC0415

    settings = Settings()
    configure_logging(settings, "serve")
    configure_telemetry(settings)
    run(create_app(settings), settings)


def _work(_asked: argparse.Namespace) -> None:
    from data_processor.settings import Settings  # noqa: PLC0415
    from data_processor.worker import work  # noqa: PLC0415

    work(Settings())


def _train_sample(asked: argparse.Namespace) -> None:
    from data_processor.settings import Settings  # noqa: PLC0415
    from data_processor.training.sample import train_sample  # noqa: PLC0415

    train_sample(Settings(), asked.csv)


def _sample_rows(asked: argparse.Namespace) -> None:
    from data_processor.datasets.census import sample_rows  # noqa: PLC0415

    for row in sample_rows(asked.n, asked.seed, asked.drift):
        sys.stdout.write(f"{json.dumps(row)}\n")


def _sign_versions(asked: argparse.Namespace) -> None:
    from data_processor.models.signing import sign_by_hand  # noqa: PLC0415
    from data_processor.settings import Settings  # noqa: PLC0415

    sign_by_hand(Settings(), lambda: bool(asked.yes) or input("Type yes to sign them: ") == "yes")


def _contract(_asked: argparse.Namespace) -> None:
    from pydantic import SecretStr  # noqa: PLC0415

    from data_processor.app import create_app  # noqa: PLC0415
    from data_processor.settings import Settings  # noqa: PLC0415

    unused = SecretStr(secrets.token_hex())  # the document depends on no setting, and printing it needs none
    settings = Settings(service_token=unused, caller_key=unused, signing_key=unused)
    document = create_app(settings).openapi()
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
