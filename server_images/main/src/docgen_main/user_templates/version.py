"""One version of a template, and the file that it is kept in."""

import hashlib
import json
from dataclasses import dataclass

from docgen_main.user_templates.errors import TemplateError

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Version:
    """One version: number from 1, when it was written (RFC 3339), by which key, why, and its text.

    `source` is what `Source.text` was; `sha256` is that of the text.
    """

    name: str
    number: int
    created: str
    by: str
    note: str
    source: str

    @property
    def sha256(self) -> str:
        """Hash of the text."""
        return hashlib.sha256(self.source.encode()).hexdigest()


def encoded(version: Version) -> bytes:
    """`version` as the content of its file."""
    fields = {
        "format": _FORMAT,
        "created": version.created,
        "by": version.by,
        "note": version.note,
        "source": version.source,
    }
    return json.dumps(fields, ensure_ascii=False).encode()


def decoded(name: str, number: int, raw: bytes) -> Version:
    """The version whose file has content `raw`. Raises `TemplateError` when it is damaged."""
    try:
        fields = json.loads(raw)
        if fields["format"] != _FORMAT:
            raise ValueError(fields["format"])
        texts = [str(fields[key]) for key in ("created", "by", "note", "source")]
    except (ValueError, KeyError, TypeError):
        raise TemplateError(
            f"version {number} of template {name!r} is damaged on the disk: roll back to an earlier one, or "
            "delete the template",
            rule="damaged",
        ) from None
    return Version(name, number, *texts)
