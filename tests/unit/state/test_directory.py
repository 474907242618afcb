import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docgenctl.model.errors import RefusedError
from docgenctl.model.project import Project
from docgenctl.state.directory import state_directory

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away and mounts, which root may do")


@pytest.fixture(params=[0o000, 0o077, 0o777], ids="umask {:04o}".format)
def any_umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.usefixtures("any_umask")
def test_every_directory_made_is_private_whatever_the_umask(project: Project, tmp_path: Path) -> None:
    base = tmp_path / "new" / "state"
    path = state_directory(project, {"DOCGENCTL_STATE_DIR": str(base)})
    assert path == base / project.id
    assert [mode(directory) for directory in (base.parent, base, path)] == [0o700] * 3


def test_the_second_call_finds_the_first_ones_directory(project: Project, environ: dict[str, str]) -> None:
    first = state_directory(project, environ)
    (first / "file").touch()
    assert state_directory(project, environ) == first
    assert (first / "file").exists()


def test_the_users_state_directory_is_the_default(project: Project, tmp_path: Path) -> None:
    path = state_directory(project, {"XDG_STATE_HOME": str(tmp_path / "xdg")})
    assert path == tmp_path / "xdg" / "docgenctl" / project.id


def test_without_any_variable_it_lies_below_the_home_directory(project: Project, tmp_path: Path) -> None:
    code = (
        "import os, pathlib; from docgenctl.state.directory import state_directory;"
        "from docgenctl.model.project import Project;"
        f"workspace = pathlib.Path({str(project.directory)!r});"
        "print(state_directory(Project(name='a', id='1', directory=workspace), os.environ))"
    )
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()) == home / ".local" / "state" / "docgenctl" / "1"


def test_a_relative_path_is_refused(project: Project) -> None:
    with pytest.raises(RefusedError, match="not an absolute path"):
        state_directory(project, {"DOCGENCTL_STATE_DIR": "state"})


def test_a_state_directory_in_the_workspace_is_refused_and_not_made(project: Project, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="lie within each other") as caught:
        state_directory(project, {"DOCGENCTL_STATE_DIR": str(project.directory / "state")})
    assert caught.value.exit_code == 6
    assert "DOCGENCTL_STATE_DIR" in caught.value.hint
    assert list(project.directory.iterdir()) == []
    (tmp_path / "around").symlink_to(project.directory)
    with pytest.raises(RefusedError, match="lie within each other"):
        state_directory(project, {"DOCGENCTL_STATE_DIR": str(tmp_path / "around" / "state")})


def test_a_neighbour_whose_name_begins_like_the_workspace_is_not_inside(project: Project) -> None:
    state_directory(project, {"DOCGENCTL_STATE_DIR": f"{project.directory}-state"})


@pytest.mark.parametrize("name", [".", "0123456789abcdef"])
def test_a_link_in_its_place_is_refused(project: Project, environ: dict[str, str], name: str) -> None:
    base = Path(environ["DOCGENCTL_STATE_DIR"])
    elsewhere = base.parent / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    if name == ".":
        base.symlink_to(elsewhere)
    else:
        base.mkdir()
        (base / name).symlink_to(elsewhere)
    with pytest.raises(RefusedError, match="is a link"):
        state_directory(project, environ)
    assert list(elsewhere.iterdir()) == [] or name == "."


@pytest.mark.parametrize("bits", [0o710, 0o704, 0o777])
def test_a_directory_open_to_others_is_refused_with_the_remedy(
    project: Project, environ: dict[str, str], bits: int
) -> None:
    path = state_directory(project, environ)
    path.chmod(bits)
    with pytest.raises(RefusedError, match="open to others") as caught:
        state_directory(project, environ)
    assert mode(path) == bits
    subprocess.run(caught.value.hint.split(), check=True)
    assert state_directory(project, environ) == path


def test_a_base_that_others_may_write_to_is_refused_unless_sticky(
    project: Project, environ: dict[str, str]
) -> None:
    base = Path(environ["DOCGENCTL_STATE_DIR"])
    base.mkdir()
    base.chmod(0o777)
    with pytest.raises(RefusedError, match="others may write"):
        state_directory(project, environ)
    base.chmod(0o1777)
    state_directory(project, environ)


@needs_root
def test_somebody_elses_directory_is_refused(project: Project, environ: dict[str, str]) -> None:
    os.chown(state_directory(project, environ), 12345, 12345)
    with pytest.raises(RefusedError, match="belongs to uid 12345"):
        state_directory(project, environ)


@needs_root
def test_a_base_of_somebody_else_is_refused(project: Project, environ: dict[str, str]) -> None:
    state_directory(project, environ)
    os.chown(environ["DOCGENCTL_STATE_DIR"], 12345, 12345)
    with pytest.raises(RefusedError, match="belongs to uid 12345"):
        state_directory(project, environ)


@pytest.mark.parametrize("made_before", [True, False])
@needs_root
def test_a_read_only_home_is_told(project: Project, tmp_path: Path, made_before: bool) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environ = {"DOCGENCTL_STATE_DIR": str(home / "state")}
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", home], check=True)
    try:
        if made_before:
            state_directory(project, environ)
        subprocess.run(["mount", "-o", "remount,ro", home], check=True)
        with pytest.raises(RefusedError, match="cannot be written: ") as caught:
            state_directory(project, environ)
    finally:
        subprocess.run(["umount", home], check=True)
    assert caught.value.code == "state_unwritable"
    assert "DOCGENCTL_STATE_DIR" in caught.value.hint


def test_a_file_in_its_place_is_told(project: Project, environ: dict[str, str]) -> None:
    Path(environ["DOCGENCTL_STATE_DIR"]).touch()
    with pytest.raises(RefusedError):
        state_directory(project, environ)
