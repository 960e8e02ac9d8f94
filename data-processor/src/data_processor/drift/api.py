"""The routes of drift reports."""

from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse

from data_processor.caller import CallerDep
from data_processor.dependencies import current_state
from data_processor.drift.reports import DriftReports
from data_processor.drift.schemas import DriftReport, DriftReportShort, DriftRunStarted

PATH = "/v1/models/{model}/drift-reports"
SANDBOX = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)
"""Whoever opens a downloaded page opens it elsewhere; should a browser show it here, it can reach nothing."""


class State(Protocol):
    """What these routes need of what the lifespan opens."""

    drift_reports: DriftReports


StateDep = Annotated[State, Depends(current_state)]

router = APIRouter(tags=["drift"])


@router.get(PATH)
def list_drift_reports(
    model: str, state: StateDep, _caller: CallerDep, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[DriftReportShort]:
    """List a model's drift reports, newest first; the oldest ones expire."""
    return state.drift_reports.page(model, limit)


@router.post(PATH, status_code=202)
def make_drift_report(model: str, state: StateDep, caller: CallerDep) -> DriftRunStarted:
    """Compare recent inputs with the training data now; the report has the id of the run."""
    return state.drift_reports.make(model, caller.subject)


@router.get(PATH + "/{report}.html", response_class=HTMLResponse)
def download_drift_report(model: str, report: str, state: StateDep, _caller: CallerDep) -> HTMLResponse:
    """Download a drift report with its charts as one HTML file that needs nothing else."""
    headers = {
        "Content-Disposition": f'attachment; filename="{model}-drift.html"',
        "Content-Security-Policy": SANDBOX,
    }
    return HTMLResponse(state.drift_reports.html(model, report), headers=headers)


@router.get(PATH + "/{report}")
def read_drift_report(model: str, report: str, state: StateDep, _caller: CallerDep) -> DriftReport:
    """Show a drift report: how far each feature moved, where to, and how sure that is."""
    return state.drift_reports.get(model, report)
