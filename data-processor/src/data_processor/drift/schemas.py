"""What the routes of drift reports give."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from data_processor.statistics.terms import Direction, DriftVerdict


class FeatureDrift(BaseModel):
    """How far one feature moved."""

    model_config = ConfigDict(from_attributes=True)

    feature: str = Field(
        description="An input, of a text its length or the share of its unknown words; or the answers, named "
        "after the target."
    )
    drifted: bool
    test: Literal["kolmogorov-smirnov", "chi-squared", "wasserstein", "jensen-shannon", "fisher"]
    n: int = Field(description="Recent rows compared.")
    distance: float
    threshold: float = Field(description="The least distance, or PSI, that counts.")
    index: float = Field(description="The population stability index (PSI).")
    p_value: float
    adjusted: float = Field(description="The p-value by Benjamini-Hochberg over all features.")
    direction: Direction
    change: str = Field(description="What changed most, in words.")


class DriftReportShort(BaseModel):
    """One comparison of recent inputs with the training data, in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    model: str
    stage: str
    version: str
    at: datetime
    verdict: DriftVerdict
    reason: str
    rows: int = Field(description="Recent predictions compared.")
    reference_rows: int
    drifted: list[str]
    news: list[str] = Field(description="Of these, what no earlier report on the version named.")
    consequence: str = Field(description="What followed from it, in words; may be empty.")
    run: str | None = Field(description="The training run that it opened, if it did.")


class DriftReport(DriftReportShort):
    """One comparison with every feature."""

    features: list[FeatureDrift] = Field(description="Empty without a verdict.")
    left_out: dict[str, str] = Field(description="Inputs that are not compared, and why.")


class DriftRunStarted(BaseModel):
    """The run that makes a report, which then has the same id."""

    id: str
    status: Literal["queued", "running"]
