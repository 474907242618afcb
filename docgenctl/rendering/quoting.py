"""Filters that write a value into a file so that the file's reader gets the same value back.

Every value that a template prints passes one of these. A value that a format cannot hold is an error, never
a changed value: nothing is dropped, shortened or replaced on the way.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from docgenctl.model.errors import ConfigurationError

_BARE_WORD = re.compile(r"[A-Za-z0-9_./:@%+,=*-]+")
_BARE_ENV = re.compile(r"[A-Za-z0-9_./:@%+,=*-]*")
_BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
#: Words that some YAML reader takes for something else than text.
_NOT_STRINGS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_LONGEST_SIMPLE_KEY = 1000
_SQUID_WORD = re.compile(r"[A-Za-z0-9_./:*-]+")


def quote_yaml(value: Any) -> str:
    r"""A scalar, list or mapping as one line of flow YAML 1.2, in ASCII.

    Strings are always double-quoted, so that `no`, `1e3` and `2026-11-22` stay strings. Unlike JSON, YAML
    has no surrogate pairs: characters beyond the basic plane are written as `\UXXXXXXXX`.
    """
    if isinstance(value, str):
        return _yaml_string(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow_key(str(k))}: {quote_yaml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(quote_yaml(item) for item in value) + "]"
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value, allow_nan=False)
    raise TypeError(f"{type(value).__name__} has no place in a rendered YAML file")


def quote_key(value: Any) -> str:
    """The key of a YAML mapping in block style: as it is where that cannot be misread, else like any string.

    Raises ConfigurationError for a key of more than 1000 characters: YAML 1.2 ends such keys at 1024.
    """
    text = str(value)
    if len(_yaml_string(text)) > _LONGEST_SIMPLE_KEY:
        raise ConfigurationError(
            f"a name of {len(text)} characters is too long to be written", hint="choose a shorter name"
        )
    return text if _BARE_KEY.fullmatch(text) and text.lower() not in _NOT_STRINGS else _yaml_string(text)


def quote_compose(value: Any) -> str:
    """Like `quote_yaml`, with each `$` doubled: Compose replaces `$NAME` and `${NAME}` in values.

    For values only; Compose takes the keys of a mapping as they are (those in `value` too).
    """
    return quote_yaml(_double_dollars(value))


def quote_json(value: Any) -> str:
    """Indented JSON in ASCII with sorted keys."""
    return json.dumps(value, indent=2, sort_keys=True, allow_nan=False)


def quote_env(value: Any) -> str:
    """A value for an env file, read alike by python-dotenv, Compose and a shell.

    Raises ConfigurationError for what these read differently: line breaks, `$`, quotes and backslashes.
    """
    text = str(value)
    if _BARE_ENV.fullmatch(text):
        return text
    _refuse(text, r"[\x00-\x1f\x7f$'\"\\`]", "an env file")
    return f"'{text}'"


def quote_dockerfile(value: Any) -> str:
    """A double-quoted word of `ENV`, `LABEL` or `ARG`. Raises ConfigurationError for line breaks."""
    text = str(value)
    _refuse(text, r"[\x00-\x1f\x7f]", "a Dockerfile")
    return '"' + re.sub(r'(["$\\])', r"\\\1", text) + '"'


def quote_haproxy(value: Any) -> str:
    """One word of haproxy.cfg, taken literally (no variable is expanded in it).

    Raises ConfigurationError for line breaks, which the file cannot hold.
    """
    text = str(value)
    if _BARE_WORD.fullmatch(text):
        return text
    _refuse(text, r"[\x00-\x1f\x7f]", "haproxy.cfg")
    return "'" + text.replace("'", r"'\''") + "'"


def quote_regex(value: Any) -> str:
    """Text as a regular expression that matches only itself, for PCRE and POSIX alike."""
    return re.sub(r"([^A-Za-z0-9_/:@,=-])", r"\\\1", str(value))


def quote_squid(value: Any) -> str:
    """One word of squid.conf. Raises ConfigurationError for characters that squid gives a meaning to."""
    text = str(value)
    if not _SQUID_WORD.fullmatch(text):
        raise ConfigurationError(
            f"{text!r} cannot be written to squid.conf", hint="use a plain host name, address or number"
        )
    return text


def quote_comment(value: Any) -> str:
    """Text for a comment that ends with its line: line breaks and control characters become spaces."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", str(value)).strip()


#: Filter name in templates → function.
FILTERS = {
    "yaml": quote_yaml,
    "key": quote_key,
    "compose": quote_compose,
    "json": quote_json,
    "env": quote_env,
    "dockerfile": quote_dockerfile,
    "haproxy": quote_haproxy,
    "regex": quote_regex,
    "squid": quote_squid,
    "comment": quote_comment,
}


def _flow_key(text: str) -> str:
    quoted = _yaml_string(text)
    return f"? {quoted} " if len(quoted) > _LONGEST_SIMPLE_KEY else quoted


def _yaml_string(text: str) -> str:
    return '"' + "".join(_yaml_character(character) for character in text) + '"'


def _yaml_character(character: str) -> str:
    code = ord(character)
    if character in '"\\':
        return "\\" + character
    if 0x20 <= code < 0x7F:
        return character
    if 0xD800 <= code <= 0xDFFF:
        raise ConfigurationError(
            f"a text holds half a character (U+{code:04X}) that YAML cannot carry",
            hint="retype the value in UTF-8",
        )
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _double_dollars(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: _double_dollars(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_double_dollars(item) for item in value]
    return value


def _refuse(text: str, pattern: str, where: str) -> None:
    if found := re.search(pattern, text):
        raise ConfigurationError(
            f"{text!r} cannot be written to {where} because of {found[0]!r}",
            hint="remove that character from the value in docgen.yaml",
        )
