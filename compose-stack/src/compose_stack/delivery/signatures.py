"""Verification of image signatures with cosign."""

from dataclasses import dataclass, field

from compose_stack.delivery.docker import Start, starting
from compose_stack.delivery.problems import Problem

GITHUB = "https://token.actions.githubusercontent.com"
"""The issuer of the identities that GitHub workflows sign with."""


@dataclass(frozen=True)
class Signatures:
    """Accept only images signed keylessly by one identity, as `publish-image` signs them."""

    identity: str
    """Regular expression for the signing workflow: `^https://github.com/<organisation>/…`."""
    issuer: str = GITHUB
    branch: str | None = None
    """The branch that the workflow must have run on, such as `refs/heads/main`; none: any."""
    start: Start = field(default_factory=starting)

    def verify(self, pinned: str) -> None:
        """Return if `name@sha256:…` was signed by the identity; raise Problem otherwise."""
        # A reusable workflow signs as itself, whoever calls it; its caller's branch is a separate claim.
        called = (f"--certificate-github-workflow-ref={self.branch}",) if self.branch else ()
        done = self.start(
            (
                "cosign",
                "verify",
                "--output=text",
                f"--certificate-identity-regexp={self.identity}",
                f"--certificate-oidc-issuer={self.issuer}",
                *called,
                pinned,
            )
        )
        if done.returncode != 0:
            raise Problem(f"{pinned} is not signed by {self.identity}: {done.stderr.strip()[-QUOTED:]}")


QUOTED = 1_000
