import os
import tarfile
from pathlib import Path

import pytest

from docgenctl.images.context import assemble, proxy_context, server_context, tree
from docgenctl.model.errors import BuildError

DOCKERFILE = "FROM scratch\n"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    (folder / "package" / "__pycache__").mkdir(parents=True)
    (folder / "package" / "__init__.py").write_text("x = 1\n")
    (folder / "package" / "stale.pyc").write_bytes(b"byte code")
    (folder / "package" / "__pycache__" / "cached.pyc").write_bytes(b"byte code")
    return folder


def test_the_same_files_give_the_same_bytes_whatever_their_times_and_order(sources: Path) -> None:
    files = {"b": b"2", "a": b"1", **tree(sources, "app")}
    first = assemble(DOCKERFILE, files)
    os.utime(sources / "package" / "__init__.py", (1, 1))
    second = assemble(DOCKERFILE, dict(reversed(files.items())))
    assert first.digest == second.digest
    with first.data as one, second.data as other:
        assert one.read() == other.read()


def test_names_are_sorted_and_times_and_owners_are_nobodys(sources: Path) -> None:
    with (
        assemble(DOCKERFILE, tree(sources, "app")).data as data,
        tarfile.open(fileobj=data) as archive,
    ):
        members = archive.getmembers()
    assert [member.name for member in members] == ["Dockerfile", "app/package/__init__.py"]
    assert {(member.mtime, member.uid, member.gid, member.mode) for member in members} == {(0, 0, 0, 0o644)}


@pytest.mark.parametrize("change", ["content", "name", "mode", "dockerfile"])
def test_the_digest_changes_with_every_thing_that_matters(sources: Path, change: str) -> None:
    before = assemble(DOCKERFILE, tree(sources, "app")).digest
    file = sources / "package" / "__init__.py"
    if change == "content":
        file.write_text("x = 2\n")
    elif change == "name":
        file.rename(file.with_name("other.py"))
    elif change == "mode":
        file.chmod(0o755)
    dockerfile = "FROM other\n" if change == "dockerfile" else DOCKERFILE
    assert assemble(dockerfile, tree(sources, "app")).digest != before


def test_the_group_and_others_permissions_of_a_checkout_do_not_matter(sources: Path) -> None:
    before = assemble(DOCKERFILE, tree(sources, "app")).digest
    (sources / "package" / "__init__.py").chmod(0o600)
    assert assemble(DOCKERFILE, tree(sources, "app")).digest == before


def test_a_symbolic_link_is_refused(sources: Path) -> None:
    (sources / "package" / "secrets.py").symlink_to("/etc/shadow")
    with pytest.raises(BuildError, match="symbolic link"):
        assemble(DOCKERFILE, tree(sources, "app"))


def test_a_linked_folder_is_not_followed(sources: Path, tmp_path: Path) -> None:
    (sources / "package" / "elsewhere").symlink_to(tmp_path)
    with pytest.raises(BuildError, match="symbolic link"):
        assemble(DOCKERFILE, tree(sources, "app"))


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "a/../b", "", "a//b", "./a"])
def test_a_name_that_leaves_the_context_is_refused(name: str) -> None:
    with pytest.raises(BuildError, match="not a name inside"):
        assemble(DOCKERFILE, {name: b""})


def test_a_servers_context_has_its_lock_its_wheels_and_both_packages(tmp_path: Path) -> None:
    (tmp_path / "anyio-1.0-py3-none-any.whl").write_bytes(b"wheel")
    context = server_context("main", DOCKERFILE, tmp_path)
    assert {"Dockerfile", "requirements.txt", "wheels/anyio-1.0-py3-none-any.whl"} <= set(context.files)
    assert list(context.files) == sorted(context.files)
    assert context.digest == server_context("main", DOCKERFILE).digest
    assert "app/docgen_common/__init__.py" in context.files
    assert "app/docgen_main/__init__.py" in context.files
    assert not [name for name in context.files if "docgen_github" in name or name.endswith(".pyc")]


def test_the_reference_names_the_content(tmp_path: Path) -> None:
    (tmp_path / "haproxy.deb").write_bytes(b"package")
    with_packages = proxy_context(DOCKERFILE, tmp_path)
    without = proxy_context(DOCKERFILE)
    assert with_packages.reference("gateway") == f"docgenctl/gateway:{with_packages.digest[:16]}"
    assert with_packages.digest != without.digest
