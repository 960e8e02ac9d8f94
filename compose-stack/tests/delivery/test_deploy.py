import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from compose_stack.delivery.containers import Container
from compose_stack.delivery.deploy import Deployment, RolledBack
from compose_stack.delivery.docker import Docker, Stack
from compose_stack.delivery.images import IMAGES
from compose_stack.delivery.journal import Journal
from compose_stack.delivery.problems import Problem
from compose_stack.delivery.settings import DeploymentSettings
from compose_stack.delivery.smoke import PublicFace
from compose_stack.stack.layout import Layout
from delivery.fake_docker import FakeDocker

REGISTRY = "registry.example/loopkeeper"
SERVICES = {
    "serve": "DATA_PROCESSOR_IMAGE",
    "work": "DATA_PROCESSOR_IMAGE",
    "gateway": "PIPELINE_API_IMAGE",
    "pages": "STREAMLIT_UI_IMAGE",
}


def digest(letter: str) -> str:
    return f"sha256:{letter * 64}"


class Engine(FakeDocker):
    """The fake docker of one test; the stage's public face is as well as the images that run."""

    def __init__(self) -> None:
        super().__init__(SERVICES)
        self.silent: set[str] = set()
        """Letters of images whose containers look healthy and answer no one."""
        self.mute: set[str] = set()
        """Letters of images that do not even answer their probes, before others find them."""
        self.ever_found: set[str] = set()

    def publish(self, letter: str) -> None:
        """Have the stage's tag of every image mean another digest."""
        self.registry = {f"{REGISTRY}/{image}:staging": digest(letter) for image in IMAGES}

    def letters(self) -> set[str]:
        """The letters of the digests that run."""
        return {self.images[one.image][-1] for one in self.made.values() if one.state == "running"}

    def probe(self, container: Container) -> None:
        if self.images[self.made[container.id].image][-1] in self.mute:
            raise Problem(f"Container {container.name} does not answer.")

    def __call__(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        done = super().__call__(command)
        shown = {self.images[one.image][-1] for name in SERVICES for one in self.found(name)}
        self.ever_found |= shown
        return done

    def healthy(self) -> bool:
        return bool(self.running) and not self.letters() & self.silent


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def face(engine: Engine) -> Iterator[str]:
    class Face(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers = {"/readyz": (200, '{"status": "ok"}'), "/v1/models": (401, '{"title": "No"}')}
            answers |= {
                "/openapi.json": (200, '{"openapi": "3.1.0"}'),
                "/": (200, "<title>Loopkeeper</title>"),
            }
            status, text = answers[self.path] if engine.healthy() else (502, "no upstream")
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Face)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def deploy(engine: Engine, face: str, tmp_path: Path) -> Any:
    def deploy(**environment: str) -> list[str]:
        values = {"STAGE": "staging", "SMOKE_SECONDS": "0", "REVISION": "abc", "IMAGES": REGISTRY}
        settings = DeploymentSettings.from_environment(Layout(tmp_path, {**values, **environment}))
        docker, journal = Docker(start=engine), Journal(tmp_path / "deployments", "staging")
        said: list[str] = []
        Deployment(
            settings, docker, Stack(docker, ()), journal, PublicFace(face), engine.probe, said.append
        ).run()
        return said

    return deploy


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "deployments" / "staging.jsonl").read_text().splitlines()]


def test_what_is_well_serves_by_digest_and_is_on_record(engine: Engine, deploy: Any, tmp_path: Path) -> None:
    engine.publish("a")
    deploy(DEPLOYED_BY="ada")
    assert engine.letters() == {"a"}
    assert set(engine.running.values()) == {f"{REGISTRY}/{image}@{digest('a')}" for image in IMAGES}
    assert [event["outcome"] for event in events(tmp_path)] == ["started", "succeeded"]
    assert events(tmp_path)[-1]["by"] == "ada"
    assert events(tmp_path)[-1]["images"]["pipeline-api"] == f"{REGISTRY}/pipeline-api@{digest('a')}"


def test_containers_that_are_not_healthy_are_rolled_back(engine: Engine, deploy: Any, tmp_path: Path) -> None:
    engine.publish("a")
    deploy()
    engine.publish("b")
    engine.unhealthy = {digest("b")}
    with pytest.raises(RolledBack, match=r"(?s)staging was rolled back.*serve-5 is unhealthy"):
        deploy()
    assert engine.letters() == {"a"}
    assert events(tmp_path)[-1]["outcome"] == "rolled-back"
    assert digest("a") in (tmp_path / "deployments" / "staging.env").read_text()


def test_a_public_face_that_fails_is_rolled_back(engine: Engine, deploy: Any) -> None:
    engine.publish("a")
    deploy()
    engine.publish("b")
    engine.silent = {"b"}
    with pytest.raises(
        RolledBack, match=r"(?s)rolled back.*the gateway and everything it needs.*answers 502, not 200"
    ):
        deploy()
    assert engine.letters() == {"a"}


def test_no_request_is_routed_to_a_container_that_fails_its_probe(engine: Engine, deploy: Any) -> None:
    engine.publish("a")
    deploy()
    engine.publish("b")
    engine.mute = {"b"}
    with pytest.raises(RolledBack, match=r"(?s)rolled back.*serve-5 does not answer"):
        deploy()
    assert engine.letters() == engine.ever_found == {"a"}
    assert len(engine.made) == len(SERVICES)


def test_there_are_as_many_new_ones_as_there_were_old_and_always_one_to_be_found(
    engine: Engine, deploy: Any
) -> None:
    engine.publish("a")
    deploy()
    engine.start("gateway", engine.running["gateway"]).config = "started manually"
    engine.publish("b")
    deploy()
    assert engine.letters() == {"b"}
    assert sorted(one.service for one in engine.made.values()) == sorted([*SERVICES, "gateway"])
    stops = [call for call in engine.calls if call[1] == "stop"]
    shows = [call for call in engine.calls if call[1:3] == ("network", "connect")]
    assert len(shows) == len(engine.made)
    assert engine.calls.index(stops[-1]) > engine.calls.index(shows[-1])


def test_what_did_not_change_goes_on(engine: Engine, deploy: Any) -> None:
    engine.publish("a")
    deploy()
    before = set(engine.made)
    deploy()
    assert set(engine.made) == before
    assert not [call for call in engine.calls if call[1] in ("stop", "rm")]


def test_a_stage_started_manually_goes_back_to_the_very_containers_that_it_ran(
    engine: Engine, deploy: Any, tmp_path: Path
) -> None:
    for service, variable in SERVICES.items():
        engine.images[f"{variable.lower()}:dev"] = digest("c")
        engine.start(service, f"{variable.lower()}:dev")
    before = set(engine.made)
    engine.publish("b")
    engine.silent = {"b"}
    with pytest.raises(RolledBack, match="was rolled back"):
        deploy()
    assert engine.letters() == {"c"}
    assert set(engine.made) == before
    assert not (tmp_path / "deployments" / "staging.env").exists()


def test_a_first_deployment_that_fails_is_stopped(engine: Engine, deploy: Any, tmp_path: Path) -> None:
    engine.publish("b")
    engine.unhealthy = {digest("b")}
    with pytest.raises(RolledBack, match="there is nothing to roll back to"):
        deploy()
    assert engine.running == {}
    assert events(tmp_path)[-1]["outcome"] == "failed"
    assert not (tmp_path / "deployments" / "staging.env").exists()


def test_a_rollback_that_fails_says_that_the_stage_is_down(
    engine: Engine, deploy: Any, tmp_path: Path
) -> None:
    engine.publish("a")
    deploy()
    engine.publish("b")
    engine.silent = {"a", "b"}
    with pytest.raises(RolledBack, match="staging is DOWN"):
        deploy()
    assert events(tmp_path)[-1]["outcome"] == "rollback-failed"


@pytest.mark.parametrize("well", [True, False])
def test_a_deployment_killed_on_its_way_is_put_right_by_the_next(
    engine: Engine, deploy: Any, well: bool
) -> None:
    engine.publish("a")
    deploy()
    # Killed while it was at work: an old one of each service and a new one; one more that nobody finds.
    engine.publish("b")
    for image in IMAGES:
        engine.images[f"{REGISTRY}/{image}@{digest('b')}"] = digest("b")
    pages = engine.start("pages", f"{REGISTRY}/streamlit-ui@{digest('b')}")
    engine.start("serve", f"{REGISTRY}/data-processor@{digest('b')}")
    hidden = engine.start("gateway", f"{REGISTRY}/pipeline-api@{digest('b')}")
    hidden.networks.popitem()
    engine.made[next(iter(engine.made))].state = "exited"
    engine.publish("d" if well else "b")
    engine.silent = {"b"}
    if well:
        deploy()
        assert pages.id not in engine.made
    else:
        with pytest.raises(RolledBack, match="was rolled back"):
            deploy()
    assert engine.letters() == {"d" if well else "a"}
    assert sorted(one.service for one in engine.made.values()) == sorted(SERVICES)


def test_what_only_looks_ill_stays_until_its_successor_answers(engine: Engine, deploy: Any) -> None:
    engine.publish("a")
    deploy()
    engine.unhealthy = {digest("a"), digest("b")}
    engine.publish("b")
    with pytest.raises(RolledBack):
        deploy()
    assert engine.letters() == {"a"}
    assert {one.state for one in engine.made.values()} == {"running"}


def test_a_stage_that_was_stopped_goes_back_to_what_is_on_record(engine: Engine, deploy: Any) -> None:
    engine.publish("a")
    deploy()
    for one in engine.made.values():
        one.state = "exited"
    engine.publish("b")
    engine.silent = {"b"}
    with pytest.raises(RolledBack, match="was rolled back"):
        deploy()
    assert engine.letters() == {"a"}


def test_an_image_that_is_not_there_touches_nothing(engine: Engine, deploy: Any) -> None:
    engine.publish("a")
    deploy()
    with pytest.raises(Problem, match=r"manifest for .*:v9 not found"):
        deploy(TAG="v9")
    assert engine.letters() == {"a"}


def test_a_tag_that_moves_after_it_was_settled_changes_nothing(engine: Engine, deploy: Any) -> None:
    engine.publish("a")
    deploy()
    engine.publish("b")
    engine.unhealthy = {digest("b")}
    with pytest.raises(RolledBack):
        deploy()
    # The tag says b, and so it did when a was put back.
    assert engine.letters() == {"a"}


def test_only_what_was_signed_is_deployed(engine: Engine, deploy: Any) -> None:
    engine.publish("a")
    engine.signed = {f"{REGISTRY}/{image}@{digest('a')}" for image in ("data-processor", "streamlit-ui")}
    with pytest.raises(Problem, match=r"pipeline-api@sha256:a+ is not signed by .*loopkeeper.*no matching"):
        deploy(SIGNED_BY="^https://github.com/loopkeeper/")
    assert engine.running == {}
    engine.signed.add(f"{REGISTRY}/pipeline-api@{digest('a')}")
    deploy(SIGNED_BY="^https://github.com/loopkeeper/")
    assert engine.letters() == {"a"}


def test_where_it_was_signed_is_asked_as_well(engine: Engine, deploy: Any) -> None:
    engine.publish("a")
    with pytest.raises(Problem, match="is not signed by"):
        deploy(SIGNED_BY="^https://github.com/loopkeeper/", SIGNED_BRANCH="refs/heads/staging")
    (call,) = [call for call in engine.calls if call[0] == "cosign"]
    assert "--certificate-github-workflow-ref=refs/heads/staging" in call


def test_a_digest_is_fetched_only_after_its_signature_is_known(engine: Engine, deploy: Any) -> None:
    given = {variable: f"{REGISTRY}/x@{digest('a')}" for variable in SERVICES.values()}
    with pytest.raises(Problem, match="is not signed by"):
        deploy(SIGNED_BY="^https://github.com/loopkeeper/", **given)
    assert not [call for call in engine.calls if call[1] == "pull"]


def test_images_of_this_machine_are_pinned_by_their_id(engine: Engine, deploy: Any) -> None:
    engine.images = {f"{REGISTRY}/{image}:dev": digest("d") for image in IMAGES}
    deploy(PULL="never", TAG="dev")
    assert set(engine.running.values()) == {f"{REGISTRY}/{image}:id-{'d' * 32}" for image in IMAGES}
    assert not [call for call in engine.calls if call[1] == "pull"]


def test_one_image_changes_and_the_others_stay(engine: Engine, deploy: Any) -> None:
    engine.publish("a")
    with pytest.raises(Problem, match="The first deployment to staging needs every image: leave ONLY out"):
        deploy(ONLY="pipeline-api")
    deploy()
    engine.publish("b")
    deploy(ONLY="pipeline-api")
    assert engine.running["gateway"] == f"{REGISTRY}/pipeline-api@{digest('b')}"
    assert engine.running["serve"] == f"{REGISTRY}/data-processor@{digest('a')}"


def test_an_image_that_no_service_takes_is_an_error(engine: Engine, deploy: Any) -> None:
    engine.publish("a")
    del engine.services["pages"]
    with pytest.raises(Problem, match="No service of the stack uses the image in STREAMLIT_UI_IMAGE"):
        deploy()
    assert engine.running == {}


def test_two_deployments_to_a_stage_do_not_mix(deploy: Any, tmp_path: Path) -> None:
    with (
        Journal(tmp_path / "deployments", "staging").only_deployment(),
        pytest.raises(Problem, match="Another deployment to staging is in progress"),
    ):
        deploy()


def test_a_deployment_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    holder = (
        "import sys, time; from pathlib import Path; from compose_stack.delivery.journal import Journal\n"
        "with Journal(Path(sys.argv[1]), 'staging').only_deployment():\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    journal = Journal(tmp_path, "staging")
    with subprocess.Popen([sys.executable, "-c", holder, str(tmp_path)], stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"held\n"
        with pytest.raises(Problem, match="in progress"), journal.only_deployment():
            pass
        killed.kill()
    with journal.only_deployment():
        pass


def test_a_deployment_waits_for_the_one_at_work(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "staging")
    held = threading.Event()

    def deployment() -> None:
        with journal.only_deployment():
            held.set()
            time.sleep(0.1)

    other = threading.Thread(target=deployment)
    other.start()
    held.wait(60)
    with journal.only_deployment(patience_s=60):
        other.join(60)
    assert not other.is_alive()
