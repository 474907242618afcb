"""What a caller says about the document that is wanted."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from docgen_main.documents.variables import Value


@dataclass(frozen=True, slots=True)
class Brief:
    """The heading ("" for the kind's own) and the answers to the kind's questions, settled."""

    title: str = ""
    answers: Mapping[str, Value] = field(default_factory=dict)
