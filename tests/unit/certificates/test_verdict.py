"""What was found out about a certificate is not found out again, and is never believed of another one."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from docgenctl.certificates.gateway import GatewayCertificate, ensure_gateway_certificate
from docgenctl.certificates.verdict import FILE
from docgenctl.model.errors import RefusedError

DAY = timedelta(days=1)


def ensure(state_dir: Path, now: datetime, *hostnames: str) -> GatewayCertificate:
    return ensure_gateway_certificate(state_dir, hostnames, "development", now, project="shop-1a2b3c")


def test_a_second_look_needs_no_cryptography(state_dir: Path, now: datetime) -> None:
    first = ensure(state_dir, now)
    script = (
        "import sys; from datetime import datetime; from pathlib import Path;"
        "from docgenctl.certificates.gateway import ensure_gateway_certificate as ensure;"
        "now = datetime.fromisoformat(sys.argv[2]);"
        "again = ensure(Path(sys.argv[1]), [], 'development', now, project='x');"
        "print(again.not_after.isoformat(), 'cryptography' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, state_dir, now.isoformat()], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [first.not_after.isoformat(), "False"]


def test_the_verdict_holds_no_longer_than_the_certificate_is_fresh(state_dir: Path, now: datetime) -> None:
    first = ensure(state_dir, now)
    assert ensure(state_dir, now + 21 * DAY).pem != first.pem


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"about": 1}', b"\xff"])
def test_a_damaged_verdict_is_as_good_as_none(state_dir: Path, now: datetime, damage: bytes) -> None:
    first = ensure(state_dir, now)
    (state_dir / FILE).write_bytes(damage)
    assert ensure(state_dir, now).pem == first.pem
    assert json.loads((state_dir / FILE).read_bytes())["not_after"] == first.not_after.isoformat()


@pytest.mark.parametrize("file", ["ca/root.key", "ca/root.pem"])
def test_a_damaged_authority_is_found_in_spite_of_an_earlier_verdict(
    state_dir: Path, now: datetime, file: str
) -> None:
    ensure(state_dir, now)
    (state_dir / file).write_bytes(b"damaged")
    with pytest.raises(RefusedError) as caught:
        ensure(state_dir, now)
    assert caught.value.code == "ca_damaged"


def test_a_verdict_that_others_may_write_is_refused(state_dir: Path, now: datetime) -> None:
    ensure(state_dir, now)
    (state_dir / FILE).chmod(0o666)
    with pytest.raises(RefusedError):
        ensure(state_dir, now)
