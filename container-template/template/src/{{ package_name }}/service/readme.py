"""The table of settings in a service's README, made from its settings class."""

import argparse
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings

_TABLE = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)


def settings_table(settings: type[BaseSettings]) -> str:
    """Return a Markdown table with a row per setting: variable, default and meaning."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in settings.model_fields.items():
        meaning = " ".join((field.description or "").split()).replace("|", "\\|")
        # A default that is computed from other settings is described in words.
        value = "" if field.default_factory else field.get_default()
        default = "required" if field.is_required() else _default(value)
        rows.append(f"| `{name.upper()}` | {default} | {meaning} |")
    return "\n".join(rows) + "\n"


def _default(value: Any) -> str:
    if value is None or value in ("", Path()):
        return ""
    if isinstance(value, SecretStr):
        return "`**********`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple | list | frozenset | set):
        return " ".join(f"`{item}`" for item in value)
    return f"`{value}`"


def with_table(readme: str, settings: type[BaseSettings]) -> str:
    """Return a README with the table between its two markers renewed."""
    if not _TABLE.search(readme):
        raise ValueError("The README has no line `<!-- settings -->` followed by `<!-- /settings -->`.")
    return _TABLE.sub(lambda match: f"{match[1]}{settings_table(settings)}{match[2]}", readme)


def main() -> None:
    """Renew the table in a README, for `make readme`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("settings", help="the settings class, as package.module:Class")
    parser.add_argument("readme", type=Path, help="the README to renew")
    options = parser.parse_args()
    module, _, name = options.settings.partition(":")
    settings = getattr(import_module(module), name)
    options.readme.write_text(with_table(options.readme.read_text(), settings))


if __name__ == "__main__":
    main()
