"""Compiled templates are kept for the next command, in a folder that only their user can write."""

from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from docgenctl.rendering.compiled import CompiledTemplates, compiled_templates


@pytest.fixture
def cache_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCGENCTL_CACHE_DIR", str(tmp_path))
    return tmp_path


def rendered(cache: CompiledTemplates | None, text: str = "a {{ b }}") -> str:
    environment = Environment(loader=DictLoader({"t": text}), bytecode_cache=cache)
    return environment.get_template("t").render(b=1)


def kept(cache_dir: Path) -> list[Path]:
    return [path for path in cache_dir.rglob("*") if path.is_file()]


def test_a_template_is_compiled_once_for_all_commands(cache_dir: Path) -> None:
    assert rendered(compiled_templates()) == "a 1"
    (file,) = kept(cache_dir)
    before = file.read_bytes()
    assert rendered(compiled_templates()) == "a 1"
    assert file.read_bytes() == before
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_changed_template_is_compiled_anew(cache_dir: Path) -> None:
    rendered(compiled_templates())
    assert rendered(compiled_templates(), "other {{ b }}") == "other 1"


def test_a_damaged_file_is_as_good_as_none(cache_dir: Path) -> None:
    rendered(compiled_templates())
    (file,) = kept(cache_dir)
    whole = file.read_bytes()
    for damage in (b"", whole[: len(whole) // 2], whole[:20] + b"\x00\xff" * 50, b"no code at all"):
        file.write_bytes(damage)
        assert rendered(compiled_templates()) == "a 1"


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720])
def test_a_folder_that_others_may_write_is_not_used(cache_dir: Path, mode: int) -> None:
    rendered(compiled_templates())
    (file,) = kept(cache_dir)
    file.parent.chmod(mode)
    assert compiled_templates() is None


def test_a_link_in_the_place_of_the_folder_is_not_followed(cache_dir: Path, tmp_path: Path) -> None:
    rendered(compiled_templates())
    folder = kept(cache_dir)[0].parent
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert compiled_templates() is None


def test_without_a_place_for_it_templates_are_compiled_each_time(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache_dir / "file").touch()
    monkeypatch.setenv("DOCGENCTL_CACHE_DIR", str(cache_dir / "file" / "below"))
    assert compiled_templates() is None
    assert rendered(None) == "a 1"
