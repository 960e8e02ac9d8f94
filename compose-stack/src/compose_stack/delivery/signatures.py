"""Who signed an image, asked of cosign."""

from dataclasses import dataclass, field

from compose_stack.delivery.docker import Start, starting
from compose_stack.delivery.problems import Problem

GITHUB = "https://token.actions.githubusercontent.com"
"""The issuer of the identities that workflows on GitHub sign with."""


@dataclass(frozen=True)
class Signatures:
    """Accept only images that an identity signed without a key, as `publish-image` does."""

    identity: str
    """Regular expression over the workflow that signs: `^https://github.com/<organisation>/…`."""
    issuer: str = GITHUB
    branch: str | None = None
    """From which branch the workflow must have run, as `refs/heads/main`; none: from any."""
    start: Start = field(default_factory=starting)

    def verify(self, pinned: str) -> None:
        """Return if `name@sha256:…` was signed by the identity; raise Problem otherwise."""
        # A reusable workflow signs as itself, whoever calls it; the branch of the caller is another claim.
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
