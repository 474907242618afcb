"""What can go wrong with a user's template, in words that are safe to send to a client."""


class TemplateError(Exception):
    """A template could not be used. `str()` is safe to show; `rule` names the rule for the audit line."""

    def __init__(self, message: str, *, rule: str) -> None:
        super().__init__(message)
        self.rule = rule


class UnknownTemplateError(TemplateError):
    """There is no template of that name, or no such version of it."""


class ChangedTemplateError(TemplateError):
    """The template is not at the version that the caller expected."""


class RefusedTemplateError(TemplateError):
    """A rule or a quota forbids it: nothing was stored or rendered."""


class RenderError(TemplateError):
    """The template does not render: its own mistake, at `line` of the source of template `template`.

    `line` is 0 where no line is known.
    """

    def __init__(self, message: str, *, rule: str, template: str = "", line: int = 0) -> None:
        place = f"template {template!r}" + (f", line {line}" if line else "") if template else ""
        super().__init__(f"{place}: {message}" if place else message, rule=rule)
        self.template = template
        self.line = line
