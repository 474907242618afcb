"""Real pip, on a folder of small wheels instead of an index."""

import hashlib
import multiprocessing
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from docgenctl.images.wheels import fetch_wheels, platforms
from docgenctl.model.errors import BuildError, EngineError


def write_wheel(folder: Path, name: str, tag: str = "py3-none-any") -> Path:
    path = folder / f"{name}-1.0-{tag}.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return folder


@pytest.fixture
def lock(tmp_path: Path, index: Path) -> Path:
    path = tmp_path / "requirements.txt"
    wheels = [write_wheel(index, "first"), write_wheel(index, "second", "cp313-cp313-manylinux_2_28_x86_64")]
    path.write_text(
        "".join(
            f"{wheel.name.split('-')[0]}==1.0 \\\n"
            f"    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
            for wheel in wheels
        )
    )
    return path


def fetch(
    lock: Path, cache_dir: Path, *, architecture: str = "x86_64", lines: list[str] | None = None
) -> Path:
    sink: Callable[[str], None] = (lines if lines is not None else []).append
    return fetch_wheels(lock, python="3.13", architecture=architecture, cache_dir=cache_dir, on_line=sink)


def fetch_in_process(lock: Path, cache_dir: Path, answers: "multiprocessing.Queue[str]") -> None:
    answers.put(str(fetch(lock, cache_dir)))


def test_the_locked_wheels_are_fetched_for_the_images_platform(lock: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    found = fetch(lock, tmp_path / "cache", lines=lines)
    assert sorted(path.name for path in found.iterdir()) == [
        "first-1.0-py3-none-any.whl",
        "second-1.0-cp313-cp313-manylinux_2_28_x86_64.whl",
    ]
    assert any("first" in line for line in lines)


def test_fetched_wheels_are_used_again_without_an_index(lock: Path, index: Path, tmp_path: Path) -> None:
    first = fetch(lock, tmp_path / "cache")
    for wheel in index.iterdir():
        wheel.unlink()
    lines: list[str] = []
    assert fetch(lock, tmp_path / "cache", lines=lines) == first
    assert lines == []


def test_a_cached_wheel_that_was_changed_is_fetched_again(lock: Path, index: Path, tmp_path: Path) -> None:
    found = fetch(lock, tmp_path / "cache")
    wheel = found / "first-1.0-py3-none-any.whl"
    wheel.write_bytes(b"something else")
    fetch(lock, tmp_path / "cache")
    assert wheel.read_bytes() == (index / wheel.name).read_bytes()


def test_other_bytes_than_the_lock_names_are_refused(lock: Path, index: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(index / "first-1.0-py3-none-any.whl", "a") as archive:
        archive.writestr("backdoor.py", "")
    with pytest.raises(BuildError, match="other bytes than the lock names") as caught:
        fetch(lock, tmp_path / "cache")
    assert caught.value.code == "wheels_failed"
    assert caught.value.hint
    assert not [path for path in (tmp_path / "cache" / "wheels").iterdir() if path.is_dir()]


def test_a_package_without_a_wheel_for_the_platform_is_named(lock: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no wheel for manylinux_2_28_aarch64") as caught:
        fetch(lock, tmp_path / "cache", architecture="arm64")
    assert any("second" in line for line in caught.value.details)


def test_an_index_that_does_not_answer_is_told_apart(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(EngineError, match="no package index answers") as caught:
        fetch(lock, tmp_path / "cache")
    assert caught.value.code == "wheels_failed"


def test_two_processes_at_once_get_the_same_complete_folder(lock: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[str] = context.Queue()
    processes = [
        context.Process(target=fetch_in_process, args=(lock, tmp_path / "cache", answers)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    found = {answers.get(timeout=60) for _ in processes}
    for process in processes:
        process.join(timeout=60)
    assert len(found) == 1
    assert len(list(Path(found.pop()).iterdir())) == 2


def test_an_architecture_without_images_is_refused() -> None:
    with pytest.raises(EngineError, match="riscv64") as caught:
        platforms("riscv64")
    assert caught.value.code == "unsupported"
