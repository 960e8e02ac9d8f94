import pytest

from pipeline_api.roles import Role


@pytest.mark.parametrize(
    ("role", "included"),
    [
        (Role.USER, {Role.USER}),
        (Role.ENGINEER, {Role.USER, Role.ENGINEER}),
        (Role.MAINTAINER, {Role.USER, Role.ENGINEER, Role.MAINTAINER}),
    ],
)
def test_each_role_includes_the_ones_before(role: Role, included: set[Role]) -> None:
    assert {other for other in Role if role.includes(other)} == included
