"""Zero-downtime promotions: under load no request fails, and each answer is that of the version it names."""

import threading
import time

import pytest

from compose_stack.client import Client
from compose_stack.traffic import MODEL, Labelled

SWAPS = 10
REQUESTS = 1000
CALLERS = 8
SWAP_S = 5.0
ANSWERS_S = 60.0


def two_versions(admin: Client) -> tuple[str, str]:
    """Return two versions of the model, training the second if need be."""
    versions = [str(entry["version"]) for entry in admin.model(MODEL)["versions"]]
    if len(versions) < 2:
        run = admin.start_run(MODEL, budget_s=1, reason="a second version to swap with")["id"]
        while (seen := admin.run(run))["status"] in ("queued", "running"):
            time.sleep(0.2)
        assert seen["status"] == "succeeded", seen["error"]
        versions = [str(entry["version"]) for entry in admin.model(MODEL)["versions"]]
    return versions[0], versions[1]


def pinned(admin: Client, version: str, rows: list[Labelled]) -> list[dict[str, float]]:
    """Return what a version answers to each row."""
    body = {"inputs": [row.inputs for row in rows], "version": version}
    answers = admin.call("POST", f"/v1/models/{MODEL}/predictions", json=body)["predictions"]
    return [answer["probabilities"] for answer in answers]


@pytest.mark.services
@pytest.mark.timeout(600)
def test_a_thousand_requests_over_ten_promotions_all_answered_and_none_mixed(
    admin: Client, rows: list[Labelled]
) -> None:
    first, second = two_versions(admin)
    some = rows[:100]
    expected = {version: pinned(admin, version, some) for version in (first, second)}
    token = admin.authorization.removeprefix("Bearer ")
    named: list[str] = []
    over = threading.Event()
    faults: list[str] = []

    def ask(start: int) -> None:
        with Client(admin.url, token) as client:
            number = start
            while not over.is_set():
                row = number % len(some)
                number += CALLERS
                answer = client.predict(MODEL, [some[row].inputs])  # raises unless 2xx
                version = str(answer["version"])
                named.append(version)
                probabilities = answer["predictions"][0]["probabilities"]
                # Answers are rounded to six places; in a batch a sum over columns may differ in the seventh.
                if probabilities != pytest.approx(expected[version][row], abs=2e-6):
                    wanted = expected[version][row]
                    faults.append(f"row {row}: version {version} answers {probabilities}, and not {wanted}")

    callers = [threading.Thread(target=ask, args=(number,)) for number in range(CALLERS)]
    for caller in callers:
        caller.start()
    try:
        for swap in range(SWAPS):
            version = (first, second)[swap % 2]
            promoted = time.monotonic()
            admin.promote(MODEL, version, "swap under load", override=True)
            while admin.predict(MODEL, [some[0].inputs])["version"] != version:
                assert time.monotonic() - promoted < SWAP_S, f"version {version} is not served yet"
                time.sleep(0.02)
            # On a busy machine a swap may be over before enough requests have met it.
            while len(named) < (swap + 1) * REQUESTS // SWAPS and not faults:
                assert time.monotonic() - promoted < ANSWERS_S, f"only {len(named)} requests were answered"
                time.sleep(0.02)
    finally:
        over.set()
        for caller in callers:
            caller.join()
    assert not faults
    assert len(named) >= REQUESTS
    assert set(named) >= {first, second}
