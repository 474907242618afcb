"""Templates that users write: stored with versions, rendered in a process of their own."""

from docgen_main.user_templates.declaration import Declaration
from docgen_main.user_templates.errors import (
    ChangedTemplateError,
    RefusedTemplateError,
    RenderError,
    TemplateError,
    UnknownTemplateError,
)
from docgen_main.user_templates.model import Filled, Template, UserKind
from docgen_main.user_templates.sections import FilledSection
from docgen_main.user_templates.store import Store, StoreLimits
from docgen_main.user_templates.templates import UserTemplates
from docgen_main.user_templates.version import Version

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
