from pathlib import Path

import pytest

from docgenctl.images import facts
from docgenctl.images.facts import all_image_facts, load_image_facts
from docgenctl.model.errors import ConfigurationError, UsageError
from docgenctl.model.locations import image_names, server_images_directory, templates_directory


def test_every_server_image_says_who_it_is() -> None:
    known = all_image_facts()
    assert tuple(known) == image_names() == ("adapter", "github", "main", "orchestrator")
    assert known["main"].module == "docgen_main"


def test_templates_and_server_images_are_found_in_a_checkout() -> None:
    assert (templates_directory() / "images" / "server.Dockerfile.j2").is_file()
    assert (server_images_directory() / "common").is_dir()


def test_an_unknown_image_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        load_image_facts("mian")
    assert "github, main, orchestrator" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('name = "main', "is not TOML"),
        ('name = "main"\ntitle = "T"\ndescription = "D"\nmodule = "m"\nprot = 1\n', "prot: "),
        ('name = "other"\ntitle = "T"\ndescription = "D"\nmodule = "m"\n', "is not the folder's name"),
    ],
)
def test_a_mistake_in_image_toml_names_the_file_and_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    (tmp_path / "main").mkdir()
    (tmp_path / "main" / "image.toml").write_text(text)
    monkeypatch.setattr(facts, "server_images_directory", lambda: tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        load_image_facts("main")
    told = "\n".join([caught.value.message, *map(str, caught.value.problems)])
    assert str(tmp_path / "main" / "image.toml") in told
    assert expected in told
