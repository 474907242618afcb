import os
from pathlib import Path

import pytest

from docgenctl.configuration.environment import dotenv_values
from docgenctl.model.errors import ConfigurationError

from .conftest import Load


def test_dotenv_gives_all_variables_and_interpolates_none(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# comment\nnot a line !\nexport GITHUB_TOKEN='ghp_x'\nA=${HOME}/$A\nB=\"two\\nlines\"\n"
        "EMPTY=\nNO_VALUE\n"
    )
    assert dotenv_values(tmp_path) == {
        "GITHUB_TOKEN": "ghp_x",
        "A": "${HOME}/$A",
        "B": "two\nlines",
        "EMPTY": "",
    }


def test_variables_that_are_not_ours_change_no_setting(load: Load) -> None:
    configuration = load(dotenv="GITHUB_TOKEN=ghp_secret\nDOCGEN_UNKNOWN=1\n")
    assert set(configuration.origins.values()) == {"default"}


def test_reading_dotenv_leaves_the_process_environment_alone(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DOCGEN_TEST_ONLY=1\n")
    dotenv_values(tmp_path)
    assert "DOCGEN_TEST_ONLY" not in os.environ


def test_no_file_and_a_virtual_environment_of_that_name_give_nothing(tmp_path: Path) -> None:
    assert dotenv_values(tmp_path) == {}
    (tmp_path / ".env").mkdir()
    assert dotenv_values(tmp_path) == {}


def test_bytes_that_are_no_text_pass_through(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfA=caf\xe9\nB=1\n")
    values = dotenv_values(tmp_path)
    assert os.fsencode(values["A"]) == b"caf\xe9"
    assert values["B"] == "1"


def test_a_pipe_or_a_giant_in_its_place_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    with pytest.raises(ConfigurationError, match=r"\.env: is not a regular file"):
        dotenv_values(tmp_path)
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").touch()
    os.truncate(tmp_path / ".env", 10**8)
    with pytest.raises(ConfigurationError, match=r"\.env: is larger than 1024 KiB"):
        dotenv_values(tmp_path)
