"""Files beside the pages, for whoever the session's cookie names.

What a button for a download makes when it is pressed, Streamlit drops once any page has run twice. While a
live run is watched that is within a second, and a browser may ask for it later.
"""

import io
from collections.abc import Callable, Mapping
from http import HTTPStatus

import pandas as pd
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from streamlit_ui.client import Gateway, GatewayError, connect
from streamlit_ui.live_curves import COLUMNS, rows
from streamlit_ui.sessions import COOKIE, sessions
from streamlit_ui.settings import settings

REPORT, EPOCHS = "/drift-reports/{model}/{report}", "/live-epochs/{run}"
SANDBOX = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-ancestors 'none'"
)
"""The charts come with scripts of Evidently's: they run, and reach neither this site nor any other."""
_FRESH = {"Cache-Control": "no-store"}


def show_report(request: Request) -> Response:
    """Show a drift report with its charts, in a tab of its own."""
    model, report = request.path_params["model"], request.path_params["report"]
    return _answer(
        request,
        lambda gateway: gateway.drift_page(model, report),
        "text/html",
        {**_FRESH, "Content-Security-Policy": SANDBOX},
    )


def send_epochs(request: Request) -> Response:
    """Send what was measured after every epoch of a live run, as CSV."""
    return _answer(request, lambda gateway: _epochs(gateway, request.path_params["run"]), "text/csv", _FRESH)


def _epochs(gateway: Gateway, run: str) -> bytes:
    written = io.StringIO()
    table = pd.DataFrame(rows(gateway.every_epoch(run)["epochs"]), columns=list(COLUMNS))
    table.to_csv(written, index=False)
    return written.getvalue().encode()


def _answer(
    request: Request, ask: Callable[[Gateway], bytes], media_type: str, headers: Mapping[str, str]
) -> Response:
    """Answer with what the gateway gives to whoever is signed in, or say in a sentence why not."""
    session = sessions().find(request.cookies.get(COOKIE))
    if session is None:
        said = "Nobody is signed in here. Sign in on the pages, and open it from there."
        return PlainTextResponse(said, HTTPStatus.UNAUTHORIZED, headers)
    with connect(settings().gateway_url, settings().request_timeout_s) as http:
        try:
            found = ask(Gateway(http, session.token))
        except GatewayError as error:
            return PlainTextResponse(error.sentence, error.status or HTTPStatus.BAD_GATEWAY, headers)
    return Response(found, media_type=media_type, headers=headers)
