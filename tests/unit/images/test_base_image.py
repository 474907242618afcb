import os
import tarfile
from pathlib import Path

import pytest

from docgenctl.images import base_image
from docgenctl.images.base_image import find_base, make_base
from docgenctl.model.errors import EngineError

#: Stands where mmdebstrap would: writes what the real one writes, from the arguments it is given.
WRITES_A_BASE = """#!/bin/sh
for argument in "$@"; do
  case "$argument" in
    --customize-hook=sync-out*) target="${argument##* }"; echo package > "$target/some.deb" ;;
    */root.tar) echo system > "$argument" ;;
  esac
done
echo "I: success"
echo "W: a warning nobody needs"
echo run >> "$RUNS"
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "bin" / "mmdebstrap"
    path.parent.mkdir()
    path.write_text(WRITES_A_BASE)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    return path


def test_a_base_is_made_once_and_found_again(program: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    assert find_base(tmp_path / "cache", "x86_64") is None
    made = make_base(tmp_path / "cache", "x86_64", lines.append)
    assert lines == ["success"]
    assert (
        make_base(tmp_path / "cache", "amd64", lines.append)
        == made
        == find_base(tmp_path / "cache", "x86_64")
    )
    assert (tmp_path / "runs").read_text() == "run\n"
    assert made.reference == f"docgenctl/base:{made.digest[:16]}"


def test_a_refresh_makes_it_anew(program: Path, tmp_path: Path) -> None:
    make_base(tmp_path / "cache", "x86_64", lambda _: None)
    make_base(tmp_path / "cache", "x86_64", lambda _: None, refresh=True)
    assert (tmp_path / "runs").read_text() == "run\nrun\n"


def test_a_base_that_lost_a_file_is_made_again(program: Path, tmp_path: Path) -> None:
    made = make_base(tmp_path / "cache", "x86_64", lambda _: None)
    made.root_tar.unlink()
    assert find_base(tmp_path / "cache", "x86_64") is None
    assert make_base(tmp_path / "cache", "x86_64", lambda _: None).root_tar.is_file()


def test_a_failure_shows_the_last_lines_and_leaves_nothing(program: Path, tmp_path: Path) -> None:
    program.write_text("#!/bin/sh\necho 'E: apt-get update failed' >&2\nexit 1\n")
    with pytest.raises(EngineError, match="could not be made") as caught:
        make_base(tmp_path / "cache", "x86_64", lambda _: None)
    assert caught.value.code == "base_image_failed"
    assert caught.value.details == ("E: apt-get update failed",)
    assert not [path for path in (tmp_path / "cache" / "base-image").iterdir() if path.is_dir()]


def test_without_mmdebstrap_the_command_that_installs_it_is_the_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(base_image.os, "geteuid", lambda: 1000)
    with pytest.raises(EngineError) as caught:
        make_base(tmp_path / "cache", "x86_64", lambda _: None)
    assert caught.value.hint.startswith("sudo apt-get install")


def test_an_architecture_without_a_base_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="s390x"):
        find_base(tmp_path, "s390x")


@pytest.mark.soak
@pytest.mark.engine
def test_two_real_runs_give_the_same_bytes(tmp_path: Path) -> None:
    first = make_base(tmp_path / "one", "x86_64", lambda _: None)
    second = make_base(tmp_path / "two", "x86_64", lambda _: None)
    assert first.digest == second.digest
    with tarfile.open(first.root_tar) as archive:
        names = archive.getnames()
    assert "./usr/bin/python3" in names
    assert not [name for name in names if "docgen-debs" in name]
    assert [path for path in first.gateway_debs.iterdir() if path.name.startswith("haproxy_")]
    assert [path for path in first.egress_debs.iterdir() if path.name.startswith("squid-openssl_")]
    assert [path for path in first.valkey_debs.iterdir() if path.name.startswith("valkey-server_")]
