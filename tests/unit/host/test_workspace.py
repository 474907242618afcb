import os
import stat
from pathlib import Path

import pytest

from docgenctl.host.workspace import prepare_output, service_owner, unreadable_for
from docgenctl.model.errors import RefusedError

US = f"{os.geteuid()}:{os.getegid()}"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path


@as_root
def test_a_workspace_of_root_is_served_by_a_fixed_user_who_is_not(workspace: Path) -> None:
    assert service_owner(workspace) == "10001:10001"


@as_root
def test_a_workspace_of_a_person_is_served_as_that_person(workspace: Path) -> None:
    os.chown(workspace, 1234, 2345)
    assert service_owner(workspace) == "1234:2345"


def test_the_output_folder_is_made_with_all_above_it(workspace: Path) -> None:
    prepare_output(workspace, "docs/generated", US)
    prepare_output(workspace, "docs/generated", US)
    assert stat.S_IMODE((workspace / "docs/generated").stat().st_mode) & 0o022 == 0


@as_root
def test_only_the_output_folder_itself_is_given_to_the_service(workspace: Path) -> None:
    (workspace / "docs").mkdir()
    prepare_output(workspace, "docs/generated", "1234:2345")
    assert (workspace / "docs").stat().st_uid == 0
    folder = (workspace / "docs/generated").stat()
    assert (folder.st_uid, folder.st_gid) == (1234, 2345)


@pytest.mark.parametrize("way", ["docs", "docs/generated"])
def test_a_link_on_the_way_is_refused_and_not_followed(way: str, workspace: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (workspace / way).parent.mkdir(parents=True, exist_ok=True)
    (workspace / way).symlink_to(elsewhere)
    with pytest.raises(RefusedError, match="not a link") as caught:
        prepare_output(workspace, "docs/generated", US)
    assert "workspace/output" in caught.value.hint
    assert list(elsewhere.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_refused(workspace: Path) -> None:
    (workspace / "docs").write_text("mine")
    with pytest.raises(RefusedError):
        prepare_output(workspace, "docs/generated", US)
    assert (workspace / "docs").read_text() == "mine"


@as_root
@pytest.mark.parametrize(
    ("mode", "owner", "unreadable"),
    [
        (0o755, "10001:10001", False),
        (0o750, "10001:10001", True),
        (0o700, "10001:10001", True),
        (0o754, "10001:10001", True),
        (0o700, "1234:2345", False),
        (0o070, "10001:2345", False),
        (0o077, "1234:2345", True),
    ],
)
def test_a_workspace_is_readable_by_its_bits_for_owner_group_or_others(
    mode: int, owner: str, unreadable: bool, workspace: Path
) -> None:
    os.chown(workspace, 1234, 2345)
    workspace.chmod(mode)
    assert unreadable_for(workspace, owner) is unreadable
