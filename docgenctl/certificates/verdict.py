"""What was found out about the gateway's certificate, kept while authority and certificate stay as they are.

Judging takes the cryptography library, which takes longer to import than an `up` with nothing to do may take
altogether. The verdict names the bytes it is about by their digests, and the time in which it holds; with
other bytes, names or lifetime, or at another time, there is none. It lies beside the private keys, in a file
that is read only if nobody else can write it: who could forge it could take the keys.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from docgenctl.certificates.names import SubjectNames
from docgenctl.files.private_files import private_directory_exists, read_private, write_private

FILE = "gateway-verdict.json"


@dataclass(frozen=True, slots=True)
class Question:
    """What a verdict is about: the three files by their contents, and what the certificate must be."""

    root_key: bytes
    root_pem: bytes
    leaf_pem: bytes
    names: SubjectNames
    lifetime: timedelta

    @property
    def digest(self) -> str:
        """Hex sha256 of everything above."""
        wanted = (*self.names.dns, *map(str, self.names.addresses), str(self.lifetime))
        parts = [hashlib.sha256(part).digest() for part in (self.root_key, self.root_pem, self.leaf_pem)]
        return hashlib.sha256(b"".join(parts) + json.dumps(wanted).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The certificate is good from one time until another; it ends at `not_after`."""

    good_from: datetime
    good_until: datetime
    not_after: datetime


def read_question(state_dir: Path, leaf: str, names: SubjectNames, lifetime: timedelta) -> Question | None:
    """The files as they are now; None when one is missing. Raises RefusedError for files not ours."""
    if not private_directory_exists(state_dir / "ca"):
        return None
    key, root = read_private(state_dir / "ca" / "root.key"), read_private(state_dir / "ca" / "root.pem")
    certificate = read_private(state_dir / leaf)
    if key is None or root is None or certificate is None:
        return None
    return Question(key, root, certificate, names, lifetime)


def recall(state_dir: Path, question: Question, now: datetime) -> Verdict | None:
    """The verdict on exactly this question, if it holds now."""
    with suppress(ValueError, TypeError, KeyError):
        document = json.loads(read_private(state_dir / FILE) or b"{}")
        if document["about"] == question.digest:
            moments = ("good_from", "good_until", "not_after")
            verdict = Verdict(*(datetime.fromisoformat(document[moment]) for moment in moments))
            if verdict.good_from <= now < verdict.good_until:
                return verdict
    return None


def remember(state_dir: Path, question: Question, verdict: Verdict) -> None:
    """Keep it for the next command."""
    document = {
        "about": question.digest,
        "good_from": verdict.good_from.isoformat(),
        "good_until": verdict.good_until.isoformat(),
        "not_after": verdict.not_after.isoformat(),
    }
    write_private(state_dir / FILE, (json.dumps(document, indent=2) + "\n").encode())


def good_between(state_dir: Path) -> tuple[float, float] | None:
    """From when until when the last verdict holds, in seconds since 1970; None without one."""
    with suppress(ValueError, TypeError, KeyError):
        document = json.loads(read_private(state_dir / FILE) or b"{}")
        begins, ends = (datetime.fromisoformat(document[moment]) for moment in ("good_from", "good_until"))
        return begins.timestamp(), ends.timestamp()
    return None
