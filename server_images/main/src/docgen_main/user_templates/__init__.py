"""Templates that users write: stored with versions, rendered in a process of their own."""

from docgen_main.user_templates.declaration import Declaration
from docgen_main.user_templates.errors import (
    ChangedTemplateError,
    RefusedTemplateError,
    RenderError,
    TemplateError,
    UnknownTemplateError,
)
from docgen_main.user_templates.sections import FilledSection
from docgen_main.user_templates.store import Store, StoreLimits, Version
from docgen_main.user_templates.templates import Filled, Template, UserKind, UserTemplates

__all__ = [
    "ChangedTemplateError",
    "Declaration",
    "Filled",
    "FilledSection",
    "RefusedTemplateError",
    "RenderError",
    "Store",
    "StoreLimits",
    "Template",
    "TemplateError",
    "UnknownTemplateError",
    "UserKind",
    "UserTemplates",
    "Version",
]
