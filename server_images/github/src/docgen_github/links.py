"""The `Link` header (RFC 8288), as far as GitHub's pagination uses it."""

import re
from urllib.parse import urlsplit

_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[a-zA-Z*]+\s*=\s*(?:"[^"]*"|[^\s",;]+))*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))', re.IGNORECASE)


def next_link(header: str) -> str | None:
    """The target with the relation `next`; None on the last page."""
    for target, parameters in _LINK.findall(header):
        relation = _REL.search(parameters)
        if relation and "next" in (relation.group(1) or relation.group(2)).lower().split():
            return str(target)
    return None


def is_below(url: str, base: str) -> bool:
    """Whether `url` has the origin of `base` and lies below its path, so that the token may travel there."""
    try:
        one, other = urlsplit(url), urlsplit(base)
        same_origin = _origin(one.scheme, one.hostname, one.port) == _origin(
            other.scheme, other.hostname, other.port
        )
    except ValueError:
        return False
    if "@" in one.netloc or "\\" in url or {".", ".."} & set(one.path.split("/")):
        return False
    return same_origin and one.path.startswith(other.path.rstrip("/") + "/")


def _origin(scheme: str, host: str | None, port: int | None) -> tuple[str, str | None, int | None]:
    return scheme, host, port or {"http": 80, "https": 443}.get(scheme)
