"""Opens the stores that the settings name: of drift reports, and of pictures under a key of its own."""

from pathlib import Path

from pydantic import SecretStr

from data_processor.adapters.object_store import FolderStore, ObjectStore
from data_processor.adapters.s3_store import Access, S3Store
from data_processor.settings import Settings

SCHEME = "s3://"


def open_report_store(settings: Settings) -> ObjectStore:
    """Open the store that `REPORT_STORE` names; nothing is connected yet. Raises `ValueError`."""
    access = Access(
        settings.aws_endpoint_url_s3,
        settings.aws_access_key_id,
        _revealed(settings.aws_secret_access_key),
        settings.aws_region,
    )
    remedy = "Check REPORT_STORE and the AWS settings."
    return _open("REPORT_STORE", settings.report_store, access, remedy)


def open_picture_store(settings: Settings) -> ObjectStore:
    """Open the store that `PICTURE_STORE` names; nothing is connected yet. Raises `ValueError`."""
    public = settings.pictures_public_url
    access = Access(
        settings.pictures_endpoint_url,
        settings.pictures_access_key_id,
        _revealed(settings.pictures_secret_access_key),
        settings.pictures_region,
        str(public) if public else None,
    )
    remedy = "Check PICTURE_STORE and the settings PICTURES_…."
    return _open("PICTURE_STORE", settings.picture_store, access, remedy)


def _open(setting: str, place: str, access: Access, remedy: str) -> ObjectStore:
    if not place.startswith(SCHEME):
        return FolderStore(Path(place))
    bucket, _, prefix = place.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise ValueError(f"{setting}={place!r} names no bucket: write s3://BUCKET or s3://BUCKET/PREFIX.")
    return S3Store(access, bucket, prefix.strip("/"), remedy=remedy)


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
