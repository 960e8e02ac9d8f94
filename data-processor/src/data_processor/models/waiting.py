"""Why no version of a model is served though it has some, and what can be done about it."""

from data_processor.models.manifest import NewerVersionError, read_manifest
from data_processor.rows import VersionRow


def why_unserved(newest: VersionRow, stage: str) -> str:
    """Say what keeps the newest version of a model from the stage, which serves none of them."""
    try:
        manifest = read_manifest(newest.manifest)
    except NewerVersionError as newer:
        return newer.detail
    receipt = manifest.receipt or {}
    name = f"version {manifest.version} of {manifest.model!r}"
    ask = f'Until then, a request can name it: "version": "{manifest.version}".'
    if receipt.get("verdict") == "promote":
        waits = "it is being deployed, or a maintainer has to promote it."
        return f"Stage {stage!r} does not serve {name} yet: {waits} {ask}"
    return (
        f"Stage {stage!r} serves no version of {manifest.model!r}: the gate's verdict on {name} was "
        f"{receipt.get('verdict', 'none')!r}. {receipt.get('reason', '')} A maintainer can still "
        f"promote it, with `override` and a reason. {ask}"
    )
