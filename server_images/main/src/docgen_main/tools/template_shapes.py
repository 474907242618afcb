"""What the template tools answer with."""

from typing import Literal

from pydantic import BaseModel, Field

from docgen_main.documents.variables import Value, Variable
from docgen_main.user_templates import Template, Version


class VariableEntry(BaseModel):
    """A variable that a template declares."""

    name: str
    question: str
    type: Literal["text", "integer", "number", "boolean", "list", "choice"]
    required: bool
    default: Value | None = None
    choices: list[str] = Field(description="The possible values of a choice")

    @classmethod
    def of(cls, variable: Variable) -> "VariableEntry":
        """From what was declared."""
        return cls(
            name=variable.name,
            question=variable.question,
            type=variable.type,
            required=variable.required,
            default=variable.default,
            choices=list(variable.choices),
        )


class TemplateEntry(BaseModel):
    """A template at one version."""

    name: str
    title: str
    description: str
    kind: str = Field(description="Kind of document that docs_generate makes of it; empty for none")
    file_name: str = Field(description="What a document of it is called")
    variables: list[VariableEntry]
    version: int
    sha256: str = Field(description="Hash of the source")
    created: str = Field(description="When this version was stored (RFC 3339)")

    @classmethod
    def of(cls, template: Template) -> "TemplateEntry":
        """From what is stored."""
        told, version = template.declaration, template.version
        return cls(
            name=version.name,
            title=told.title,
            description=told.description,
            kind=told.kind,
            file_name=told.file_name,
            variables=[VariableEntry.of(variable) for variable in told.variables],
            version=version.number,
            sha256=version.sha256,
            created=version.created,
        )


class TemplateList(BaseModel):
    """All templates."""

    templates: list[TemplateEntry]


class ShownTemplate(TemplateEntry):
    """A template with its text."""

    source: str = Field(description="Front matter and body, as templates_update takes it")


class VersionEntry(BaseModel):
    """A kept version."""

    version: int
    created: str = Field(description="When it was stored (RFC 3339)")
    by: str = Field(description="Id of the API key that stored it; empty where there was none")
    note: str
    bytes: int
    sha256: str

    @classmethod
    def of(cls, version: Version) -> "VersionEntry":
        """From what is stored."""
        return cls(
            version=version.number,
            created=version.created,
            by=version.by,
            note=version.note,
            bytes=len(version.source.encode()),
            sha256=version.sha256,
        )


class History(BaseModel):
    """The kept versions of a template, the newest first."""

    name: str
    versions: list[VersionEntry]


class Deleted(BaseModel):
    """A deleted template."""

    name: str
    version: int = Field(description="The last version it had")


class Difference(BaseModel):
    """What differs between two versions."""

    name: str
    from_version: int
    to_version: int
    diff: str = Field(description="A unified diff; empty when the texts are the same")


class Exported(BaseModel):
    """A template as one text."""

    name: str
    version: int
    bundle: str = Field(description="What templates_import takes")


class Imported(TemplateEntry):
    """A template that was imported."""

    exported_name: str
    exported_version: int
    changed: bool = Field(description="Whether the text is another than the one that was exported")


class Preview(BaseModel):
    """How a template would look; nothing was written."""

    markdown: str
    truncated: bool = Field(description="Whether the text is longer than what is shown")
    bytes: int = Field(description="Length of the whole text")
    sections: list[str] = Field(description="The headings that become sections")
    sampled: list[str] = Field(description="Variables that got a sample value because none was given")
    duration_ms: float


class Rendered(BaseModel):
    """A template that was rendered."""

    template: str
    version: int
    markdown: str | None = Field(description="The text; null when it was written to a file")
    path: str | None = Field(description="The file, from the top of the workspace")
    uri: str | None = Field(description="Resource to read the file by")
    bytes: int
    sha256: str
    sections: list[str] = Field(description="The headings of its sections")
    included: dict[str, int] = Field(description="Templates it took in, with their versions")
    duration_ms: float
