"""A small client for GitHub's REST API, one for the life of the process.

Theory of operation. `get` builds the URL from path segments below the configured base and asks; `walk` does
so page by page. One question passes these gates, in this order:

1. A token that GitHub told to wait rests: the call fails at once and says when to come back.
2. The whole call, with its waits and retries, has one deadline.
3. Up to `attempts` requests are sent. Broken connections and 5xx are repeated after a short pause, a rate
   limit after the time that GitHub names, as long as all pauses together stay inside `wait_budget_s`.
   Repeating is safe because every request here is a GET. What changes something is sent by `writer`, which
   takes `question` and `once` from here and decides on repeating by itself.
4. A good answer with an ETag is kept under (identity of the token, URL); a 304 serves it. The last page of a
   list is not kept when it is full.

Where the token may go: `Authorization` is put on requests whose URL was built here or was found, in a `Link`
header, to lie below the base URL. Redirects are never followed: GitHub uses them for renamed repositories,
and following one would read a repository that the allowlist does not name. The environment is not
consulted (`trust_env=False`); the only way out is the configured egress proxy.

The token is read anew for each call, so a replaced secret is used without a restart.
"""

import hashlib
import hmac
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import anyio
import httpx2

from docgen_github.body import parse_json, read_body
from docgen_github.cache import EtagCache, Kept
from docgen_github.errors import BadAnswer, BadToken, GitHubError, RateLimited, Unreachable
from docgen_github.keypaths import KeyPaths
from docgen_github.links import is_below, next_link
from docgen_github.rate import RateMemory, limit_wait, seconds_to_wait, when
from docgen_github.refusals import Reply, Surroundings, proxy_refusal, refusal, wire_failure
from docgen_github.token_facts import TokenSeen, kind_of, seen_token

ANONYMOUS = "anonymous"
_DONE = frozenset({201, 202, 204})
_HEADERS = {
    "accept": "application/vnd.github+json",
    "accept-encoding": "gzip",
    "user-agent": "docgen-github",
    "x-github-api-version": "2022-11-28",
}


@dataclass(frozen=True)
class Bounds:
    """How long and how much; times in seconds, sizes in bytes.

    `look_every_s` lies between two looks while something is waited for; a look that finds nothing new costs
    none of GitHub's rate.
    """

    connect_s: float = 5.0
    read_s: float = 15.0
    total_s: float = 30.0
    wait_budget_s: float = 5.0
    first_pause_s: float = 0.25
    attempts: int = 3
    body_bytes: int = 8 * 2**20
    connections: int = 8
    write_s: float = 90.0
    write_spacing_s: float = 1.0
    settle_s: tuple[float, ...] = (0.5, 2.0)
    look_every_s: float = 10.0


@dataclass(frozen=True)
class Answer:
    """A parsed answer and the URL of the next page, if there is one; `raw` for other media types."""

    value: Any
    next_url: str | None
    raw: bytes = b""


@dataclass(frozen=True)
class Question:
    """One request with the token it goes out with; `what` names in messages what it is about."""

    url: str
    what: str
    token: str | None
    identity: str
    method: str = "GET"
    body: bytes | None = None
    accept: str | None = None

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.method == "GET"


class GitHubClient:
    """Reads from one GitHub API; make one at start and close it at the end."""

    def __init__(
        self,
        api_url: str,
        *,
        paths: KeyPaths,
        token: Callable[[], str | None],
        proxy: str | None = None,
        bounds: Bounds | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._base = api_url.rstrip("/")
        parts = urlsplit(self._base)
        self._around = Surroundings(parts.netloc, parts.scheme == "https", proxy is not None, paths)
        self._token = token
        self._bounds = bounds or Bounds()
        self._cache = EtagCache()
        self._rate = RateMemory()
        self._seen: tuple[str, TokenSeen | None] = (ANONYMOUS, None)
        self._http = httpx2.AsyncClient(
            verify=trust or ssl.create_default_context(),
            trust_env=False,
            proxy=proxy,
            follow_redirects=False,
            headers=_HEADERS,
            timeout=httpx2.Timeout(
                self._bounds.read_s, connect=self._bounds.connect_s, pool=self._bounds.total_s
            ),
            limits=httpx2.Limits(max_connections=self._bounds.connections),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    @property
    def proxied(self) -> bool:
        """Whether requests go through the egress proxy."""
        return self._around.proxied

    @property
    def waits_seconds(self) -> float:
        """Seconds that GitHub asked the present token to rest; 0 when it may ask."""
        return self._rate.blocked_for(_identity(self._token() or None))

    @property
    def rate(self) -> RateMemory:
        """What is known of the rate limit."""
        return self._rate

    @property
    def token_seen(self) -> TokenSeen | None:
        """What GitHub said of the present token; None before its first answer, or when that said nothing."""
        identity, seen = self._seen
        return seen if identity == _identity(self._token() or None) else None

    @property
    def token_kind(self) -> str:
        """What kind of token there is, by the prefix that GitHub gives each kind."""
        return kind_of(self._token() or None)

    @property
    def has_token(self) -> bool:
        """Whether requests carry a token at the moment."""
        return bool(self._token())

    @property
    def token_is_sendable(self) -> bool:
        """Whether the token can stand in a header; one that cannot is never sent."""
        try:
            return self._checked_token() is not None
        except BadToken:
            return False

    async def get(
        self, path: Sequence[str | int], query: Mapping[str, str | int] | None = None, *, what: str
    ) -> Answer:
        """Ask for `path` below the base URL; `what` names it in messages. Raises `GitHubError`."""
        return await self._ask(self._url(path, query), what)

    async def text(self, path: Sequence[str | int], *, what: str, accept: str) -> bytes:
        """The body of another media type than JSON, such as a diff. Raises `GitHubError`."""
        return (await self._ask(self._url(path, None), what, accept)).raw

    async def walk(
        self, path: Sequence[str | int], query: Mapping[str, str | int], *, what: str, pages: int
    ) -> AsyncIterator[Answer]:
        """Up to `pages` pages of a list, following `Link`; the last one says whether more would follow."""
        url: str | None = self._url(path, query)
        for _ in range(pages):
            if url is None:
                return
            answer = await self._ask(url, what)
            yield answer
            url = answer.next_url

    def _url(self, path: Sequence[str | int], query: Mapping[str, str | int] | None) -> str:
        segments = [quote(str(segment), safe="") for segment in path]
        if {"", ".", ".."} & set(segments):
            raise ValueError("a path segment would lead elsewhere")
        return "/".join([self._base, *segments]) + (f"?{urlencode(query)}" if query else "")

    def question(
        self,
        method: str,
        path: Sequence[str | int],
        query: Mapping[str, str | int] | None = None,
        *,
        what: str,
        body: Any = None,
    ) -> Question:
        """A request with the present token, ready for `once`."""
        token = self._checked_token()
        raw = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return Question(self._url(path, query), what, token, _identity(token), method, raw)

    def rest(self, seconds: float) -> None:
        """Send nothing with the present token for so long."""
        self._rate.block(_identity(self._token() or None), seconds)

    def mark(self, *parts: str) -> str:
        """A name for `parts` that nobody without the token can make: 24 hexadecimal digits."""
        key = (self._token() or ANONYMOUS).encode()
        return hmac.digest(key, "\0".join(parts).encode(), hashlib.sha256).hex()[:24]

    async def _ask(self, url: str, what: str, accept: str | None = None) -> Answer:
        token = self._checked_token()
        question = Question(url, what, token, _identity(token), accept=accept)
        self._refuse_while_blocked(question)
        try:
            with anyio.fail_after(self._bounds.total_s):
                return await self._attempts(question)
        except TimeoutError:
            raise Unreachable(
                f"{self._around.host} did not answer within {self._bounds.total_s:g} s.", "try again later"
            ) from None

    def _checked_token(self) -> str | None:
        """The token, refused here when it cannot stand in a header: the HTTP library would quote it."""
        token = self._token() or None
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            raise BadToken(
                "The token holds characters that no GitHub token has.",
                f"put a valid one into {self._around.paths.token}, then run `docgenctl up`",
            )
        return token

    async def _attempts(self, question: Question) -> Answer:
        budget = self._bounds.wait_budget_s
        for attempt in range(1, self._bounds.attempts + 1):
            pause = self._bounds.first_pause_s * 2 ** (attempt - 1)
            try:
                return await self.once(question)
            except RateLimited as error:
                if error.seconds > budget or attempt == self._bounds.attempts:
                    self._rate.block(question.identity, error.seconds)
                    raise
                pause = error.seconds
            except GitHubError as error:
                pause = max(pause, error.retry_after)
                if not error.transient or pause > budget or attempt == self._bounds.attempts:
                    raise
            budget -= pause
            await anyio.sleep(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def once(self, question: Question) -> Answer:
        """Send it once. Raises `GitHubError`, also while the token has to rest."""
        self._refuse_while_blocked(question)
        plain = question.reads and question.accept is None
        kept = self._cache.get(question.identity, question.url) if plain else None
        reply = await self._send(question, kept)
        self._rate.note(reply.headers)
        identity, before = self._seen
        before = before if identity == question.identity else None
        self._seen = (question.identity, seen_token(reply.headers, before))
        if reply.status == 304 and kept is not None:
            return self._answer(kept.body, kept.link)
        if reply.status == 200 or (not question.reads and reply.status in _DONE):
            link = reply.headers.get("link", "")
            if not plain and (question.reads or not reply.body):
                return Answer(None, None, reply.body)
            answer = self._answer(reply.body, link)
            if plain and not _may_grow(answer, question.url) and (etag := reply.headers.get("etag")):
                self._cache.put(question.identity, question.url, Kept(etag, reply.body, link))
            return answer
        raise self._failure(reply, question)

    async def _send(self, question: Question, kept: Kept | None) -> Reply:
        headers = {}
        if question.token:
            headers["authorization"] = f"Bearer {question.token}"
        if kept:
            headers["if-none-match"] = kept.etag
        if question.accept:
            headers["accept"] = question.accept
        if question.body is not None:
            headers["content-type"] = "application/json"
        try:
            async with self._http.stream(
                question.method, question.url, headers=headers, content=question.body
            ) as response:
                body = await read_body(response, self._bounds.body_bytes)
                return Reply(response.status_code, response.headers, body)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise wire_failure(error, self._around) from error

    def _answer(self, body: bytes, link: str) -> Answer:
        following = next_link(link)
        if following is not None and not is_below(following, self._base):
            raise BadAnswer(
                "GitHub's link to the next page leads to another address; it was not followed.",
                f"set {self._around.paths.api_url} to the address that GitHub itself uses",
            )
        return Answer(parse_json(body), following)

    def _failure(self, reply: Reply, question: Question) -> GitHubError:
        from_proxy = proxy_refusal(reply.status, reply.headers, self._around)
        if from_proxy is not None:
            return from_proxy
        wait = limit_wait(reply.status, reply.headers, reply.body, time.time())
        if wait is not None:
            return _rate_limited(wait, question)
        error = refusal(
            reply, question.what, self._around, token=question.token is not None, reads=question.reads
        )
        if error.transient:
            error.retry_after = seconds_to_wait(reply.headers, time.time()) or 0.0
        return error

    def _refuse_while_blocked(self, question: Question) -> None:
        seconds = self._rate.blocked_for(question.identity)
        if seconds > 0:
            raise _rate_limited(seconds, question)


def _may_grow(answer: Answer, url: str) -> bool:
    """Whether it is a full page without a next one.

    An ETag is of the body alone. Once there is a next page, the body of this one is still the same, so a 304
    would serve the old `Link` and hide whatever follows.
    """
    if answer.next_url is not None or not isinstance(answer.value, list):
        return False
    asked = parse_qs(urlsplit(url).query).get("per_page", ["30"])[0]
    return len(answer.value) >= int(asked)


def _rate_limited(seconds: float, question: Question) -> RateLimited:
    hint = "call again then" + ("" if question.token else "; with a token GitHub allows far more requests")
    return RateLimited(
        f"GitHub's rate limit is reached. It asks to wait until {when(seconds)}.", hint, seconds
    )


def _identity(token: str | None) -> str:
    """A name for the token that is not the token."""
    return hashlib.sha256(token.encode()).hexdigest() if token else ANONYMOUS
