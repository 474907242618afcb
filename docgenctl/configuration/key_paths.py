"""Key paths that people type, such as `servers/main/port`, checked against the layout."""

from collections.abc import Mapping

from docgenctl.configuration.environment import VARIABLES
from docgenctl.configuration.settings_tree import Entries, Node, Section, settings_tree, suggestion
from docgenctl.model.errors import RefusedError, UsageError
from docgenctl.model.image_facts import ImageFacts
from docgenctl.model.model_providers import PROVIDER_DEFAULTS, variable_of


def typed_path(text: str, facts: Mapping[str, ImageFacts]) -> tuple[tuple[str, ...], Node]:
    """The key path and what the layout has there.

    Raises UsageError for a path that no setting has, and RefusedError (`secret_in_clear`) for a secret.
    """
    _refuse_secret_names(text, facts)
    path = tuple(text.strip("/").split("/"))
    node: Node = settings_tree()
    for depth, key in enumerate(path):
        if isinstance(node, Section) and key in node.children:
            node = node.children[key]
        elif isinstance(node, Entries) and key:
            node = node.each
        else:
            raise _unknown(text, path[:depth], key, node)
    return path, node


def _unknown(text: str, above: tuple[str, ...], key: str, node: Node) -> UsageError:
    if text in VARIABLES:
        message, hint = f"{text} is an environment variable", f"its key path is {VARIABLES[text]}"
    elif "." in text and "/" not in text:
        message, hint = f"{text} is not a key path", f"write it with slashes: {text.replace('.', '/')}"
    elif isinstance(node, Section):
        message, hint = f"{text} is not a setting", suggestion(key, node)
    else:
        message, hint = f"{text} is not a setting", f"{'/'.join(above)} is one, and has nothing below it"
    return UsageError(message, hint=hint)


def _refuse_secret_names(text: str, facts: Mapping[str, ImageFacts]) -> None:
    secrets = {secret.environment for image in facts.values() for secret in image.secrets}
    secrets |= {variable_of(entry.key_secret) for entry in PROVIDER_DEFAULTS.values() if entry.key_secret}
    if text in secrets:
        raise secret_in_clear(f"{text} is a secret, and docgen.yaml is no place for one", text)


def secret_in_clear(message: str, variable: str = "") -> RefusedError:
    """The refusal to write a secret; `variable` is the one to set instead, where it is known."""
    where = variable or "the variable that `docs/configuration.md` names for it"
    return RefusedError(
        message,
        hint=f"set {where} in the environment or in .env; if the value is a real one, make a new one: your"
        " shell has this one in its history",
        code="secret_in_clear",
    )
