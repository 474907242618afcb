from pathlib import Path

from docgenctl.engine.processes.places import Home


def test_a_home_without_any_stack_goes_with_all_that_a_killed_command_had_begun(tmp_path: Path) -> None:
    home = Home(tmp_path / "processes")
    home.make()
    (home.scratch / "never-noted").mkdir()
    (home.scratch / "never-noted" / "file").touch()
    (home.sockets / "main.sock").touch()
    home.remove_if_bare()
    assert not home.path.exists()


def test_a_home_with_a_volume_stays_as_it_is(tmp_path: Path) -> None:
    home = Home(tmp_path / "processes")
    home.make()
    (home.volumes / "data.json").touch()
    (home.scratch / "another").mkdir()
    home.remove_if_bare()
    assert (home.volumes / "data.json").exists()
    assert (home.scratch / "another").exists()
