"""The three roles; each includes the one before."""

from enum import StrEnum


class Role(StrEnum):
    """What a caller may do: `user` < `engineer` < `maintainer`."""

    USER = "user"
    ENGINEER = "engineer"
    MAINTAINER = "maintainer"

    def includes(self, other: "Role") -> bool:
        """Tell whether this role may do what the other may."""
        return _RANK[self] >= _RANK[other]


_RANK = {role: rank for rank, role in enumerate(Role)}
