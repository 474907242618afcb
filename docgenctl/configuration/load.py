"""Flags over environment over `.env` over docgen.yaml over defaults: one checked set of settings.

All mistakes of all layers are found in one go: the layout of the file first, then every single value, then
what values mean together. A wrong value is set aside so that the checks after it still see the rest.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from docgenctl.configuration.environment import dotenv_values, passed_over, settings_from
from docgenctl.configuration.explanations import explain
from docgenctl.configuration.layers import DEFAULT, Layers, Mistake, Place, ordered, shown
from docgenctl.configuration.migrations import in_current_layout
from docgenctl.configuration.model_checks import keys_not_set, model_mistakes
from docgenctl.configuration.project_identity import CONFIG_FILE
from docgenctl.configuration.routing_checks import routing_mistakes
from docgenctl.configuration.server_checks import server_mistakes
from docgenctl.configuration.settings_tree import setting_paths
from docgenctl.configuration.source_checks import BELONGINGS, is_source
from docgenctl.configuration.yaml_source import MAX_BYTES, YamlDocument
from docgenctl.files.bounded_file import read_bounded, single_problem
from docgenctl.model.errors import ConfigurationError, Problem
from docgenctl.model.image_facts import ImageFacts
from docgenctl.model.settings import Settings

#: key path → flag, where the flag is not simply the last key
FLAGS: Mapping[str, str] = {
    "ports/orchestrator": "--port",
    "images/base": "--base-image",
}


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Checked settings; `origins` maps every key path to the place its value came from.

    A place is `docgen.yaml:12`, `environment MCP_ENV`, `.env MCP_ENV`, `flag --project` or `default`.
    `file` is docgen.yaml, None when there is none. `notes` are sentences that people should read: an old
    layout, variables that were passed over.
    """

    settings: Settings
    origins: Mapping[str, str]
    file: Path | None
    directory: Path
    notes: tuple[str, ...] = ()


def load_configuration(
    project_dir: Path,
    *,
    environ: Mapping[str, str],
    flags: Mapping[str, Any],
    facts: Mapping[str, ImageFacts],
) -> Configuration:
    """The configuration of a project directory.

    A docgen.yaml of an older layout is read as if it had been migrated, and a note says so.

    Args:
        project_dir: where docgen.yaml and `.env` lie, if there are any.
        environ: the process environment; an empty variable counts as not set.
        flags: key path → value of the flags that were given; None counts as not given.
        facts: image name → facts of all built-in images.

    Raises:
        ConfigurationError: with one Problem for every mistake. A single one is the message itself.
    """
    file = project_dir / CONFIG_FILE
    data = read_bounded(file, MAX_BYTES)
    if data is None:
        _refuse_other_spelling(project_dir)
    current = None if data is None else in_current_layout(data, CONFIG_FILE)
    dotenv = dotenv_values(project_dir)
    layers = _layers(current.document if current else None, dotenv, environ, flags)
    settings = _checked(layers, facts)
    if layers.problems:
        raise _all_of(ordered(iter(layers.problems)))
    return Configuration(
        settings=settings,
        origins={"/".join(path): str(layers.place_of_value(path)) for path in setting_paths(settings)},
        file=None if data is None else file,
        directory=project_dir,
        notes=(
            *(current.notes if current else ()),
            *passed_over(dotenv),
            *keys_not_set(settings.models, environ, dotenv),
        ),
    )


def check_text(data: bytes, facts: Mapping[str, ImageFacts]) -> Settings:
    """The settings of a docgen.yaml with this content and nothing else; raises as `load_configuration`."""
    layers = _layers(in_current_layout(data, CONFIG_FILE).document, {}, {}, {})
    settings = _checked(layers, facts)
    if layers.problems:
        raise _all_of(ordered(iter(layers.problems)))
    return settings


def _refuse_other_spelling(project_dir: Path) -> None:
    for name in ("docgen.yml", ".docgen.yaml"):
        if (project_dir / name).exists():
            raise single_problem(Problem(name, 0, "", "is not read", f"rename it to {CONFIG_FILE}"))


def _layers(
    document: YamlDocument | None,
    dotenv: Mapping[str, str],
    environ: Mapping[str, str],
    flags: Mapping[str, Any],
) -> Layers:
    layers = Layers()
    for name in Settings().servers:
        layers.entries["servers", name] = DEFAULT
    if document is not None:
        layers.add_document(document, CONFIG_FILE)
    for source, variables in ((".env", dotenv), ("environment", environ)):
        for key_path, (variable, value) in settings_from(variables).items():
            layers.add_value(key_path, value, Place(f"{source} {variable}"))
    for key_path, value in flags.items():
        if value is not None:
            layers.add_value(key_path, value, Place(f"flag {flag_name(key_path)}"))
    return layers


def flag_name(key_path: str) -> str:
    """The flag that sets a key path."""
    return FLAGS.get(key_path, "--" + key_path.rsplit("/", 1)[-1].replace("_", "-"))


def _checked(layers: Layers, facts: Mapping[str, ImageFacts]) -> Settings:
    while True:
        try:
            settings = Settings.model_validate(layers.nested())
        except ValidationError as error:
            mistakes = [_mistake(detail, layers) for detail in error.errors(include_url=False)]
            layers.problems += [layers.problem(mistake) for mistake in mistakes]
            removed = [layers.remove(mistake.path) for mistake in mistakes]
            if not any(removed):
                raise _all_of(ordered(iter(layers.problems))) from None
        else:
            found = (
                *server_mistakes(settings, facts),
                *routing_mistakes(settings),
                *model_mistakes(settings.models),
            )
            layers.problems += map(layers.problem, _new_mistakes(found, layers))
            return settings


def _new_mistakes(mistakes: Iterable[Mistake], layers: Layers) -> Iterator[Mistake]:
    """Without consequences of values that were set aside: their key path already has a problem."""
    known = {problem.key_path for problem in layers.problems}
    # A server whose source was set aside looks like one of ours that there is not.
    sourceless = {path.rpartition("/")[0] for path in known if path.startswith("servers/")}
    # Nor can be told then what goes with that source.
    unsure = {path.rpartition("/")[0] for path in known if is_source(path)}
    consequences = {f"{server}/{key}" for server in unsure for key in BELONGINGS}
    told = known | sourceless | consequences
    return (mistake for mistake in mistakes if shown(mistake.path) not in told)


def _mistake(detail: Any, layers: Layers) -> Mistake:
    path = tuple(str(part) for part in detail["loc"] if part != "[key]")
    leaf = layers.leaves.get(path)
    message, hint = explain(detail, leaf.text if leaf else "")
    if not path:  # a rule of the whole model names its key path itself
        key_path, _, message = message.partition(": ")
        path = tuple(key_path.split("/"))
    return Mistake(path, message, hint)


def _all_of(problems: Sequence[Problem]) -> ConfigurationError:
    if len(problems) == 1:
        return single_problem(problems[0])
    return ConfigurationError(
        f"the configuration has {len(problems)} mistakes",
        problems=problems,
        hint="correct them and try again",
    )
