"""What killed commands left half written is gone after the next command that changes something."""

from pathlib import Path

from docgenctl.actions.changing import changing
from tests.unit.actions.conftest import OpenWith


def test_half_written_files_of_ours_are_removed_and_all_others_stay(open_with: OpenWith) -> None:
    opened = open_with()
    state, workspace = opened.state_dir, opened.project.directory
    for folder in (state / "secrets", state / ".ca.x1.new", workspace / ".docgen/gateway", workspace / "src"):
        folder.mkdir(parents=True, mode=0o700)
    left = [
        state / ".state.json.new",
        state / "secrets/.upstream-main.new",
        state / ".ca.x1.new/root.key",
        workspace / ".docker-compose.mcp.yml.docgenctl-new",
        workspace / ".docgen/gateway/.haproxy.cfg.docgenctl-new",
    ]
    others = [
        state / "state.json",
        state / "brand.new",
        workspace / ".something.new",
        workspace / "src/.theirs.docgenctl-new",
    ]
    for path in (*left, *others):
        path.write_text("half")
        path.chmod(0o600)

    with changing(opened, "docgenctl down"):
        assert [path for path in left if path.exists()] == []
        assert not (state / ".ca.x1.new").exists()
    assert all(path.exists() for path in others)


def test_a_folder_that_is_not_there_is_none_to_sweep(open_with: OpenWith) -> None:
    opened = open_with()
    with changing(opened, "docgenctl down"):
        assert not Path(opened.project.directory / ".docgen").exists()
