"""What kind of an image a file is, by its first bytes: enough to take it, and not to decode it."""

from data_processor.pictures.names import ContentType

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_RIFF, _WEBP = b"RIFF", b"WEBP"


def content_type_of(content: bytes) -> ContentType | None:
    """Return what a file's first bytes say that it is; None: no image of a kind that is taken."""
    if content.startswith(_JPEG):
        return "image/jpeg"
    if content.startswith(_PNG):
        return "image/png"
    if content.startswith(_RIFF) and content[8:12] == _WEBP:
        return "image/webp"
    return None
