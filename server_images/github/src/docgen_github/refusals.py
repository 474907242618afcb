"""Turns what went wrong, on the wire or in an answer, into one of our errors.

Nothing here quotes a body, a header's free text, a URL or an exception: all of them may hold what must not
be shown. Headers are used only as far as they match a pattern.
"""

import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx2

from docgen_github.errors import (
    BadAnswer,
    BadToken,
    EgressClosed,
    GitHubError,
    HeadMoved,
    Moved,
    NotFound,
    NotPermitted,
    Refused,
    Unavailable,
    Unreachable,
)
from docgen_github.keypaths import KeyPaths

_SCOPES = re.compile(r"[a-z_:=, ]{1,120}")
_WORD = re.compile(r"[A-Za-z_]{1,40}")
#: What squid calls a failure before anything was sent on; after any other, the request may have arrived.
_NOT_SENT_ON = ("ERR_CONNECT_FAIL", "ERR_DNS_FAIL")


@dataclass(frozen=True)
class Reply:
    """What came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Surroundings:
    """What messages need to know of the client: the API's host, the way to it, the keys that name fixes."""

    host: str
    secure: bool
    proxied: bool
    paths: KeyPaths

    def egress_closed(self) -> EgressClosed:
        """The proxy said no."""
        return EgressClosed(
            f"The egress proxy does not let this server reach {self.host}.",
            f"list a repository under {self.paths.repositories} in docgen.yaml, which opens the way to the "
            f"host of {self.paths.api_url}, or add the host to {self.paths.egress}; then run `docgenctl up`",
        )


def wire_failure(error: Exception, around: Surroundings) -> GitHubError:
    """The error for an exception of the HTTP library."""
    if isinstance(error, httpx2.ProxyError):
        return _proxy_failure(str(error), around)
    if isinstance(error, httpx2.TimeoutException):
        unsent = isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout)
        return Unreachable(f"{around.host} did not answer in time.", "try again later", unsent=unsent)
    if _is_tls(error):
        return Unreachable(
            f"The TLS certificate of {around.host} could not be verified.",
            "trust its CA in the image, or correct the host in " + around.paths.api_url,
            unsent=True,
        )
    if isinstance(error, httpx2.ConnectError) and around.proxied:
        return Unreachable(
            "The egress proxy of the stack cannot be reached.",
            "see `docgenctl status` and `docgenctl logs egress`",
            transient=True,
            unsent=True,
        )
    if isinstance(error, httpx2.ConnectError):
        return Unreachable(
            f"No connection to {around.host}: the name does not resolve or nothing listens there.",
            f"check the network and {around.paths.api_url}",
            transient=True,
            unsent=True,
        )
    return Unreachable(f"The connection to {around.host} broke.", "try again later", transient=True)


def proxy_refusal(status: int, headers: Mapping[str, str], around: Surroundings) -> GitHubError | None:
    """The error when a plain-http answer came from the proxy and not from GitHub; None when from GitHub.

    Over https the proxy only opens a tunnel, so there its refusals are exceptions and never answers.
    """
    if not around.proxied or around.secure:
        return None
    squid = headers.get("x-squid-error", "")
    json_answer = "json" in headers.get("content-type", "")
    if status == 403 and (squid or not json_answer) and "x-github-request-id" not in headers:
        return around.egress_closed()
    if status == 407:
        return _proxy_failure(str(status), around)
    if status in {502, 503, 504} and squid:
        if squid.startswith(_NOT_SENT_ON):
            return _proxy_failure(str(status), around)
        return Unreachable(
            f"The connection to {around.host} broke behind the egress proxy.",
            "try again later",
            transient=True,
        )
    return None


def refusal(reply: Reply, what: str, around: Surroundings, *, token: bool, reads: bool = True) -> GitHubError:
    """The error for a status that is neither success nor a rate limit; `what` was asked for, or changed."""
    status, headers = reply.status, reply.headers
    if status == 401:
        return _bad_token(around, token=token)
    if status in {403, 451}:
        return _not_permitted(status, headers, what, "read" if reads else "change")
    if status in {405, 409, 422} and not reads:
        return _refused(reply, what)
    if status in {404, 410}:
        return NotFound(
            f"GitHub has no {what}, or this server may not see it.",
            "check the name" + (" and what the token may read" if token else "; private ones need a token"),
        )
    if 300 <= status < 400:
        return Moved(
            f"GitHub redirects the request for {what}; it was not followed.",
            f"if it was renamed or transferred, allow its new name in {around.paths.repositories}; "
            f"otherwise check {around.paths.api_url}",
        )
    if status >= 500:
        return Unavailable(f"GitHub answers {status} at the moment.", "try again later")
    return BadAnswer(f"GitHub answers {status} to the request for {what}.")


def _proxy_failure(text: str, around: Surroundings) -> GitHubError:
    if text.startswith("403"):
        return around.egress_closed()
    return Unreachable(
        f"The egress proxy could not connect to {around.host}.",
        f"check the host in {around.paths.api_url} and see `docgenctl logs egress`",
        transient=text.startswith(("502", "503", "504")),
        unsent=True,
    )


def _bad_token(around: Surroundings, *, token: bool) -> BadToken:
    if token:
        return BadToken(
            "GitHub does not accept the token (401): it is wrong, expired or revoked.",
            f"put a valid one into {around.paths.token}, then run `docgenctl up`",
        )
    return BadToken(
        "GitHub asks for a token (401), and this server has none.",
        f"put one into {around.paths.token}, then run `docgenctl up`",
    )


def _refused(reply: Reply, what: str) -> Refused:
    reasons = _reasons(reply.body)
    said = f"GitHub does not make this change to {what} ({reply.status}{': ' + reasons if reasons else ''})."
    if reply.status == 409:
        return HeadMoved(said, "read it again: it has changed, or conflicts with its target")
    return Refused(said, "read it again and check the arguments")


def _reasons(body: bytes) -> str:
    """Field and code of each error that GitHub lists, as far as they are plain words."""
    try:
        errors = json.loads(body).get("errors", [])
    except (ValueError, RecursionError, AttributeError):
        return ""
    told = []
    for one in errors[:5] if isinstance(errors, list) else ():
        words = [one.get(key, "") for key in ("resource", "field", "code")] if isinstance(one, dict) else []
        told.append(" ".join(word for word in words if isinstance(word, str) and _WORD.fullmatch(word)))
    return ", ".join(filter(None, told))


def _not_permitted(status: int, headers: Mapping[str, str], what: str, verb: str) -> NotPermitted:
    if status == 451:
        return NotPermitted(f"GitHub withholds {what} for legal reasons (451).")
    if "x-github-sso" in headers:
        return NotPermitted(
            f"GitHub shows {what} only to a token authorised for the organisation's single sign-on.",
            "authorise the token in GitHub's settings",
        )
    needed = headers.get("x-accepted-github-permissions") or headers.get("x-accepted-oauth-scopes") or ""
    hint = f"it needs one of: {needed}" if _SCOPES.fullmatch(needed) else "check the permissions of the token"
    return NotPermitted(f"The token may not {verb} {what} (403).", hint)


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
