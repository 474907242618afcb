"""The gateway's certificate: issued at the first start, reused until two thirds of its life are over."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from docgenctl.certificates.names import subject_names
from docgenctl.certificates.verdict import Verdict, read_question, recall, remember
from docgenctl.model.secret import Secret

LIFETIMES = {"development": timedelta(days=30), "production": timedelta(hours=24)}
#: Everyone who can reach the published port from this machine uses one of these.
_ALWAYS = ("localhost", "127.0.0.1", "::1")
_FILE = "gateway.pem"


@dataclass(frozen=True, slots=True)
class GatewayCertificate:
    """What HAProxy serves (`pem`: certificate and key), what clients trust, and until when it holds."""

    pem: Secret
    root_pem: bytes
    root_path: Path
    not_after: datetime


def ensure_gateway_certificate(
    state_dir: Path,
    hostnames: Iterable[str],
    environment: Literal["development", "production"],
    now: datetime,
    *,
    project: str,
) -> GatewayCertificate:
    """Reuse `<state_dir>/gateway.pem` while it is fresh, or issue another (30 days, 24 h in production).

    Args:
        state_dir: the project's private directory; must exist with mode 0700.
        hostnames: DNS names or addresses besides localhost, 127.0.0.1 and ::1.
        environment: decides the lifetime; one issued for longer than it allows is replaced.
        now: the wall clock, time zone aware.
        project: names the root, for people who look at it in a trust store.

    Raises ConfigurationError for names that cannot be certified,
    RefusedError for a damaged or expired authority and for files others could have planted or read.
    """
    names = subject_names([*_ALWAYS, *hostnames])
    lifetime = LIFETIMES[environment]
    question = read_question(state_dir, _FILE, names, lifetime)
    verdict = recall(state_dir, question, now) if question else None
    if question is None or verdict is None:
        from docgenctl.certificates.gateway_leaf import ensure_leaf

        judged = ensure_leaf(state_dir / _FILE, project, names, lifetime, now)
        ends = judged.leaf.certificate.not_valid_after_utc
        verdict = Verdict(judged.good_from, judged.good_until, ends)
        question = read_question(state_dir, _FILE, names, lifetime)
        assert question is not None  # noqa: S101 - ensure_leaf has just read or written all of them
        remember(state_dir, question, verdict)
    return GatewayCertificate(
        pem=Secret(question.leaf_pem),
        root_pem=question.root_pem,
        root_path=state_dir / "ca" / "root.pem",
        not_after=verdict.not_after,
    )
