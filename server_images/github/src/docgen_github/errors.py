"""What can go wrong between a tool call and GitHub, in words that are safe to show.

A message here may name a repository, a host, a status code and a key of docgen.yaml. It never carries the
token, a URL with its query, an address of the proxy, or text that GitHub or a proxy sent.
"""

# ruff: noqa: N818 (the names are what happened; "Error" would add nothing to them)

from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError


class GitHubError(ToolError, ResourceError):
    """A foreseen failure: a tool reports it as `isError`, a resource read as a protocol error."""

    #: whether the same GET may be sent again soon, and after how many seconds at the earliest
    transient = False
    retry_after = 0.0
    #: whether the request may have been carried out although no usable answer came
    lost = False
    #: whether nothing of the request reached GitHub
    unsent = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} Hint: {hint}" if hint else message)
        self.message = message
        self.hint = hint


class InvalidName(GitHubError):
    """An owner, repository or number that GitHub could not have; nothing was sent."""


class NotConfigured(GitHubError):
    """The options of this server are wrong, or no repository is allowed yet; nothing was sent."""


class NotAllowed(GitHubError):
    """The repository is outside the allowlist; nothing was sent."""


class BadToken(GitHubError):
    """401: the token is wrong or expired, or there is none where one is needed."""


class NotPermitted(GitHubError):
    """403 or 451: the token is good but may not read this."""


class NotFound(GitHubError, ResourceNotFoundError):
    """404 or 410: absent, or hidden from this token."""


class Moved(GitHubError):
    """The repository has another name now, or the API redirects to where the token must not go."""


class RateLimited(GitHubError):
    """429, or a 403 that means the same; `seconds` says how long GitHub asks to wait."""

    def __init__(self, message: str, hint: str, seconds: float) -> None:
        super().__init__(message, hint)
        self.seconds = seconds


class EgressClosed(GitHubError):
    """The egress proxy refuses to go to the API's host."""

    unsent = True


class Unreachable(GitHubError):
    """No usable connection: name, network, TLS or time."""

    def __init__(
        self, message: str, hint: str = "", *, transient: bool = False, unsent: bool = False
    ) -> None:
        super().__init__(message, hint)
        self.transient = transient
        self.unsent = unsent
        self.lost = not unsent


class Unavailable(GitHubError):
    """5xx: the API itself is in trouble."""

    transient = True
    lost = True


class BadAnswer(GitHubError):
    """An answer that is too large, not JSON, or not of the documented shape."""

    lost = True


class Refused(GitHubError):
    """405, 409, 422: GitHub will not make this change as things are."""


class HeadMoved(Refused):
    """The branch or pull request has another head than the one that was named; nothing was changed."""


class NotByPolicy(GitHubError):
    """The options of this server do not let this change be made; nothing was sent."""


class NotConfirmed(GitHubError):
    """A person said no, or nobody could be asked; nothing was changed."""


class OutcomeUnknown(GitHubError):
    """The answer to a change was lost, and looking did not tell whether it was made."""
