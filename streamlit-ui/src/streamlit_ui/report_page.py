"""A drift report with its charts in a tab of its own, for whoever the session's cookie names."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from streamlit_ui.client import Gateway, GatewayError, connect
from streamlit_ui.sessions import COOKIE, sessions
from streamlit_ui.settings import settings

PATH = "/drift-reports/{model}/{report}"
SANDBOX = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-ancestors 'none'"
)
"""The charts come with scripts of Evidently's: they run, and reach neither this site nor any other."""
_HEADERS = {"Content-Security-Policy": SANDBOX, "Cache-Control": "no-store"}


def show_report(request: Request) -> Response:
    """Show the charts of a report, or say in a sentence why not."""
    session = sessions().find(request.cookies.get(COOKIE))
    if session is None:
        said = "Nobody is signed in here. Sign in on the page Monitoring, and open the report from there."
        return PlainTextResponse(said, HTTPStatus.UNAUTHORIZED, _HEADERS)
    model, report = request.path_params["model"], request.path_params["report"]
    with connect(settings().gateway_url, settings().request_timeout_s) as http:
        try:
            page = Gateway(http, session.token).drift_page(model, report)
        except GatewayError as error:
            return PlainTextResponse(error.sentence, error.status or HTTPStatus.BAD_GATEWAY, _HEADERS)
    return Response(page, media_type="text/html", headers=_HEADERS)
