"""Names for what the contract only spells out where it is used; mypy compares both."""

from typing import Literal, TypeAlias

from streamlit_ui.contract.types import Counts, Histogram, Periods

Kind: TypeAlias = Literal["numeric", "categorical", "text", "datetime", "identifier", "ignored"]
"""What the values of a column are."""
Distribution: TypeAlias = Histogram | Counts | Periods
"""How the values of a column are distributed, told apart by `form`."""
