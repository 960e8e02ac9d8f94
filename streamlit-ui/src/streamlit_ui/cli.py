"""`streamlit-ui`: start the pages."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from streamlit_ui.service.pages_log import configure_logging
from streamlit_ui.settings import Settings, settings
from streamlit_ui.telemetry import configure_telemetry


def main(arguments: Sequence[str] | None = None) -> None:
    """Start the pages with settings from the environment, which flags override."""
    flags = vars(_parser().parse_args(arguments))
    # The pages read their settings from the environment: they run in threads that Streamlit starts.
    os.environ.update({name.upper(): value for name, value in flags.items() if value is not None})
    try:
        chosen = settings()
    except ValidationError as error:
        sys.exit("\n".join(_sentence(found["loc"], found["msg"]) for found in error.errors()))
    configure_logging("streamlit-ui", chosen.log_level, chosen.log_dir)
    configure_telemetry(chosen)
    # Every page calls the gateway, every few seconds.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # Importing Streamlit takes a second, which `--help` need not; and it keeps the standard error of then.
    from streamlit_ui import server  # noqa: PLC0415

    # Streamlit reads `.streamlit/config.toml` beside what it believes to be the started script.
    sys.argv = [str(server.SCRIPT)]
    server.run(chosen)


def _parser() -> argparse.ArgumentParser:
    described = [
        f"  {name.upper():<20} {field.description}" + (f" [{field.default}]")
        for name, field in Settings.model_fields.items()
    ]
    parser = argparse.ArgumentParser(
        prog="streamlit-ui",
        description="Serve Loopkeeper's pages: predict, give feedback, watch the score, steer the models.",
        epilog="\n".join(["environment variables:", *described]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name in ("gateway_url", "host", "port"):
        field = Settings.model_fields[name]
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, help=f"{field.description} Default: {field.default}")
    return parser


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, place)).upper()}: {message.removeprefix('Value error, ')}"
