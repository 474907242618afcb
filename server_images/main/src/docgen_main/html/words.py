"""Where long words of code may go on in the next line, and where they may not."""

import re
from html import escape

_SEPARATOR = re.compile(r"(?<=\w)[/.](?=\w)")
_LONG_NAME = re.compile(r"\w{18,}")
_UNDERSCORE = re.compile(r"(?<=[^\W_])_(?=[^\W_])")
_OPTION = re.compile(r"(?<!\S)--?[^\W_][\w-]*")


def breakable(text: str) -> str:
    """`text` as HTML in which a path, a dotted or a very long name may break behind a separator.

    An option of a command stays whole, although browsers break behind hyphens.
    """
    broken = _LONG_NAME.sub(lambda name: _UNDERSCORE.sub(r"_<wbr>", name[0]), escape(text))
    return _OPTION.sub(r'<span class="whole">\g<0></span>', _SEPARATOR.sub(r"\g<0><wbr>", broken))
