"""Where a link may lead, and what a picture becomes."""

import re

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_WEB = frozenset({"http", "https", "mailto"})
#: Types of pictures that cannot carry scripts or load others.
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+\Z")
# Browsers drop tabs and line breaks inside an address and strip what is at or below a space before it.
_IGNORED = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def safe_target(address: str) -> str:
    """`address` if a link may lead there, else "": web and mail, or a place on or beside the page."""
    bare = _IGNORED.sub("", address)
    scheme = _SCHEME.match(bare)
    if scheme:
        return bare if scheme[1].lower() in _WEB else ""
    # "//host" and its spellings with backslashes are addresses of hosts that are not said to be one
    if bare.startswith(("//", "\\", "/\\")):
        return ""
    return bare


def is_outside(address: str) -> bool:
    """Whether `address` leads away from this page's folder."""
    return bool(_SCHEME.match(address))


def embedded_picture(address: str) -> str:
    """`address` if it is a picture in itself that a page can show without fetching, else ""."""
    return address if _PICTURE.match(address) else ""
