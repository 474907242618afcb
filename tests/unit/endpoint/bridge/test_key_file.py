"""A client with a key of its own: read from the file that it names, which nobody else may read."""

import os
from pathlib import Path

import pytest

from tests.unit.endpoint.bridge.conftest import Home, Pipe

KEY = "dgk_of-this-client-0000000000000000000000000000"


@pytest.fixture
def home(own: Home) -> Home:
    """The server takes the client's key, and not the stack's own."""
    taken = own.folder / "taken"
    taken.write_text(KEY + "\n")
    own.start(key_file=taken)
    return own


@pytest.fixture
def key_file(own: Home) -> Path:
    path = own.folder / "client.key"
    path.write_text(KEY + "\n")
    path.chmod(0o600)
    return path


def serves(pipe: Pipe) -> bool:
    return "result" in pipe.call("echo", {"text": "x"})


@pytest.mark.parametrize("form", ["--key-file {}", "--key-file={}"])
def test_a_client_is_let_in_by_the_key_of_its_file(home: Home, key_file: Path, form: str) -> None:
    pipe = home.pipe(*form.format(key_file).split())
    pipe.initialize()
    assert serves(pipe)
    assert pipe.end() == 0
    without = home.pipe()
    without.initialize()
    assert "error" in without.call("echo", {"text": "x"}), "the stack's own key does not open this server"
    assert KEY not in "".join(pipe.log + without.log)


def test_a_key_that_was_rotated_is_read_anew(home: Home, key_file: Path) -> None:
    pipe = home.pipe("--key-file", str(key_file))
    pipe.initialize()
    assert serves(pipe)
    (home.folder / "taken").write_text(f"{KEY}-2\n")
    assert not serves(pipe)
    key_file.write_text(f"{KEY}-2\n")
    assert serves(pipe)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_a_file_that_others_may_read_is_refused_at_once_and_later(
    home: Home, key_file: Path, mode: int
) -> None:
    key_file.chmod(mode)
    refused = home.pipe("--key-file", str(key_file))
    assert refused.process.wait(20) == 6
    assert refused.end() == 6
    assert f"{key_file} is open to others (mode {mode:04o})" in "\n".join(refused.log)
    assert f"chmod 600 {key_file}" in "\n".join(refused.log)

    key_file.chmod(0o600)
    pipe = home.pipe("--key-file", str(key_file))
    pipe.initialize()
    assert serves(pipe)
    key_file.chmod(mode)
    assert "is open to others" in pipe.call("echo", {"text": "x"})["error"]["message"]
    assert KEY not in "".join(pipe.log + refused.log)


def test_what_is_no_key_is_told_at_once(home: Home, key_file: Path, tmp_path: Path) -> None:
    folder, fifo = tmp_path / "folder", tmp_path / "fifo"
    folder.mkdir()
    os.mkfifo(fifo, 0o600)
    key_file.write_text("two words\n")
    for path, code, told in (
        (key_file, 5, "holds no API key"),
        (tmp_path / "absent", 5, "cannot be read"),
        (folder, 6, "is not a plain file"),
        (fifo, 6, "is not a plain file"),
    ):
        pipe = home.pipe("--key-file", str(path))
        assert pipe.end() == code, path
        assert told in "\n".join(pipe.log)
        assert "two words" not in "\n".join(pipe.log)


def test_a_link_is_followed_to_a_file_of_the_user_s(home: Home, key_file: Path) -> None:
    link = home.folder / "link"
    link.symlink_to(key_file)
    pipe = home.pipe("--key-file", str(link))
    pipe.initialize()
    assert serves(pipe)
