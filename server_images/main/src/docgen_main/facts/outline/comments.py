"""What is said above a declaration, in the comments of C-like languages."""

import re

_TAG = re.compile(r"\{@\w{1,20}\s+([^{}\n]{1,200})\}")
_CODE = re.compile(r"</?(?:code|tt)>")
_BREAK = re.compile(r"\s*</?(?:p|br|ul|ol|pre)\s{0,2}/?>\s*")
_ITEM = re.compile(r"\s*<li>\s*")
_OTHER_TAGS = re.compile(r"</?(?:li|b|i|em|strong|h[1-6])>")
_HIDDEN = re.compile(r"@(?:internal|private|hidden|ignore|api private|hide)\b")


def comment_above(lines: list[str], index: int, marker: str = "//") -> str:
    """The comment that ends on the line above `lines[index]`: one `/**` block, else `marker` lines.

    With `marker` "" only a block counts. Decorators and attributes in between are stepped over.
    """
    above = index - 1
    while above >= 0 and lines[above].lstrip().startswith(("@", "#[")):
        above -= 1
    if above >= 0 and lines[above].rstrip().endswith("*/"):
        return plain(_block_above(lines, above))
    found: list[str] = []
    while marker and above >= 0 and lines[above].lstrip().startswith(marker):
        found.append(lines[above].strip()[len(marker) :].removeprefix(" ").rstrip())
        above -= 1
    return "\n".join(reversed(found)).strip()


def is_hidden(lines: list[str], index: int) -> bool:
    """Whether the block above `lines[index]` says that the name is for its authors only, as JSDoc can."""
    above = index - 1
    if above < 0 or not lines[above].rstrip().endswith("*/"):
        return False
    return _HIDDEN.search(_block_above(lines, above)) is not None


def _block_above(lines: list[str], last: int) -> str:
    first = last
    while first >= 0 and "/*" not in lines[first]:
        first -= 1
    if first < 0 or not lines[first].lstrip().startswith("/**"):
        return ""
    return "\n".join(lines[first : last + 1])


def plain(block: str) -> str:
    """A `/** … */` block without its stars, with the markup of JSDoc and Javadoc as plain text.

    The block ends before its first tag; of the tags only a deprecation is kept.
    """
    inner = block.strip().removeprefix("/**").removesuffix("*/")
    lines = [re.sub(r"^\s*\*? ?", "", line).rstrip() for line in inner.splitlines()]
    said: list[str] = []
    deprecated, tagged = "", False
    for line in lines:
        if line.startswith("@deprecated"):
            deprecated = "Deprecated: " + (
                line.removeprefix("@deprecated").strip() or "do not use it any more."
            )
        tagged = tagged or line.startswith("@")
        if not tagged:
            said.append(line)
    text = _TAG.sub(r"`\1`", "\n".join(said))
    text = _OTHER_TAGS.sub("", _ITEM.sub("\n- ", _BREAK.sub("\n\n", _CODE.sub("`", text))))
    return "\n\n".join(part for part in (text.strip(), deprecated) if part)
