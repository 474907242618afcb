"""Reads image.toml, what each server image says of itself."""

import tomllib

from pydantic import ValidationError

from docgenctl.model.errors import ConfigurationError, Problem, UsageError
from docgenctl.model.image_facts import ImageFacts
from docgenctl.model.locations import FACTS_FILE, image_names, server_images_directory

#: The files travel with the program: they are wrong for its developers only.
_REMEDY = "correct the file, or install docgenctl again"


def load_image_facts(name: str) -> ImageFacts:
    """The facts of one built-in image.

    Raises UsageError when there is no such image, and ConfigurationError naming the file and every
    mistake in it.
    """
    known = image_names()
    if name not in known:
        raise UsageError(f"there is no server image {name!r}", hint=f"choose one of: {', '.join(known)}")
    path = server_images_directory() / name / FACTS_FILE
    try:
        facts = ImageFacts.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not TOML: {error}", hint=_REMEDY) from error
    except ValidationError as error:
        problems = [
            Problem(str(path), 0, "/".join(str(part) for part in mistake["loc"]), mistake["msg"])
            for mistake in error.errors()
        ]
        raise ConfigurationError(f"{path} has mistakes", problems=problems, hint=_REMEDY) from error
    if facts.name != name:
        problem = Problem(str(path), 0, "name", f"{facts.name!r} is not the folder's name {name!r}")
        raise ConfigurationError(f"{path} has mistakes", problems=[problem], hint=_REMEDY)
    return facts


def all_image_facts() -> dict[str, ImageFacts]:
    """The facts of all built-in images by name, sorted. Raises as `load_image_facts`."""
    return {name: load_image_facts(name) for name in image_names()}
