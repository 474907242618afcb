"""Rendering again changes not one byte, and nothing rendered is secret."""

import stat
from pathlib import Path

from tests.unit.cli.test_dry_run import run, tree


def test_rendering_twice_gives_the_same_bytes_and_touches_no_file(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    assert run(tmp_path, "render").returncode == 0
    before = tree(tmp_path / "workspace")
    assert run(tmp_path, "render").returncode == 0
    assert tree(tmp_path / "workspace") == before


def test_the_same_state_gives_the_same_bytes_after_everything_was_deleted(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    run(tmp_path, "render")
    before = {name: (mode, content) for name, (mode, _, content) in tree(workspace).items()}
    for path in sorted(workspace.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    run(tmp_path, "render")
    assert {name: (mode, content) for name, (mode, _, content) in tree(workspace).items()} == before


def test_servers_of_others_are_rendered_before_anything_of_them_was_fetched(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "docgen.yaml").write_text("servers:\n  search: {image: example.com/search}\n")
    done = run(tmp_path, "render")
    assert done.returncode == 0, done.stderr
    assert "FROM example.com/search" in (workspace / ".docgen/servers/search-origin/Dockerfile").read_text()


def test_nothing_rendered_holds_a_secret_and_environment_files_are_private(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    assert run(tmp_path, "render").returncode == 0
    (state,) = (tmp_path / "state").iterdir()
    secrets = [state / "api-key", *(state / "secrets").iterdir()]
    assert len(secrets) == 3
    rendered = b"".join(path.read_bytes() for path in workspace.rglob("*") if path.is_file())
    for secret in secrets:
        assert secret.read_bytes().strip() not in rendered
    assert b"PRIVATE KEY" not in rendered
    for name in (".env.mcp", ".env.mcp.template"):
        assert stat.S_IMODE((workspace / name).stat().st_mode) == 0o600
