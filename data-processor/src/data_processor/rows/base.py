"""What the rows of the records database have in common: their metadata, and the types of their columns."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import DeclarativeBase

from data_processor.service.database import UtcDateTime


class Base(DeclarativeBase):
    """The records database."""

    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy declares it as a plain class attribute
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[Any]: JSON,
        str: String,
    }
