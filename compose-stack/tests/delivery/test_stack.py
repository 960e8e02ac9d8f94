"""What a deployment tells Compose, and what Compose makes of it; no engine is needed."""

import json
import os
from pathlib import Path

import pytest

from compose_stack.delivery.docker import Docker, Stack, starting
from compose_stack.delivery.images import IMAGES, variable_of
from compose_stack.delivery.journal import Journal
from compose_stack.delivery.probes import PROBES
from compose_stack.delivery.rollout import ORDER
from compose_stack.delivery.stack import compose_environment
from compose_stack.settings import CannotStart
from compose_stack.stack.compose import Compose, project_arguments
from compose_stack.stack.layout import Layout
from compose_stack.stack.secrets import make_secrets
from compose_stack.stack.tools import COMPOSE, command

PINS = {image: f"loopkeeper/{image}@sha256:{'0' * 64}" for image in IMAGES}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "platform.tag").write_text("sha-platform\n")
    made = Layout(tmp_path, {**os.environ, "STAGE": "main", "DATA_PROCESSOR_IMAGE": "a-tag:moves", "TAG": ""})
    make_secrets(made)
    return made


def test_only_exact_images_reach_compose(layout: Layout) -> None:
    said = compose_environment(layout)
    assert not {variable_of(image) for image in IMAGES} & said.keys()
    assert said["TAG"] == "sha-platform"


def test_every_container_of_a_service_takes_the_image_that_is_deployed(layout: Layout) -> None:
    try:
        compose = command(COMPOSE)
    except CannotStart as absent:
        pytest.skip(str(absent))
    journal = Journal(layout.state, "staging")
    journal.write(journal.candidate, PINS)
    docker = Docker(compose=compose, start=starting(compose_environment(layout)))
    stack = Stack(docker, project_arguments(layout, "staging"))
    services = stack.services(journal.candidate)
    assert {name: service.image for name, service in services.items()} == {
        "serve": PINS["data-processor"],
        "work": PINS["data-processor"],
        "pipeline-api": PINS["pipeline-api"],
        "streamlit-ui": PINS["streamlit-ui"],
        "databases": "loopkeeper/postgres:sha-platform",
    }
    assert [name for name, service in services.items() if service.job] == ["databases"]
    assert not any(service.publishes for service in services.values())
    assert services["streamlit-ui"].networks == {"loopkeeper-edge-staging", "loopkeeper-staging_pages"}
    assert stack.project(journal.candidate) == "loopkeeper-staging"


def test_another_image_is_another_hash_and_the_same_is_the_same(layout: Layout) -> None:
    try:
        compose = command(COMPOSE)
    except CannotStart as absent:
        pytest.skip(str(absent))
    journal = Journal(layout.state, "staging")
    journal.write(journal.candidate, PINS)
    journal.write(journal.env_file, {**PINS, "pipeline-api": f"x@sha256:{'1' * 64}"})
    docker = Docker(compose=compose, start=starting(compose_environment(layout)))
    stack = Stack(docker, project_arguments(layout, "staging"))
    one, other = stack.hashes(journal.candidate), stack.hashes(journal.env_file)
    assert one.keys() == stack.services(journal.candidate).keys()
    assert {name for name in one if one[name] != other[name]} == {"pipeline-api"}


def test_every_service_has_a_probe_before_others_find_it(layout: Layout) -> None:
    try:
        compose = command(COMPOSE)
    except CannotStart as absent:
        pytest.skip(str(absent))
    journal = Journal(layout.state, "staging")
    journal.write(journal.candidate, PINS)
    docker = Docker(compose=compose, start=starting(compose_environment(layout)))
    services = Stack(docker, project_arguments(layout, "staging")).services(journal.candidate)
    assert {name for name, service in services.items() if not service.job} == set(PROBES) == set(ORDER)


def test_what_was_deployed_starts_again_until_a_tag_is_named(layout: Layout) -> None:
    try:
        command(COMPOSE)
    except CannotStart as absent:
        pytest.skip(str(absent))
    layout.deployments.mkdir()
    Journal(layout.deployments, "staging").write(layout.deployments / "staging.env", PINS)

    def image(environment: dict[str, str]) -> str:
        started = Compose(Layout(layout.state, environment), "staging", "sha-built")
        services = json.loads(started("config", "--format", "json").stdout)["services"]
        return str(services["pipeline-api"]["image"])

    assert image({}) == PINS["pipeline-api"]
    assert image({"TAG": "sha-built"}) == "loopkeeper/pipeline-api:sha-built"
