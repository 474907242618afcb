"""Colours for code: spans with short class names, whose colours are the style sheet's."""

from html import escape

from docgen_main.html.limits import CODE_CHARACTERS, CODE_LINE_CHARACTERS

#: What a fence may call its language, and whose rules colour it. No others are tried: Pygments has hundreds,
#: and not all of them can stand hostile text.
_LEXERS = {
    "bash": "bash", "c": "c", "console": "console", "cpp": "cpp", "cs": "csharp", "csharp": "csharp",
    "css": "css", "diff": "diff", "docker": "docker", "dockerfile": "docker", "go": "go",
    "graphql": "graphql", "html": "html", "http": "http", "ini": "ini", "java": "java",
    "javascript": "javascript", "js": "javascript", "json": "json", "jsonc": "json", "jsx": "javascript",
    "kotlin": "kotlin", "make": "make", "makefile": "make", "php": "php", "proto": "protobuf",
    "py": "python", "pycon": "pycon", "python": "python", "rb": "ruby", "rs": "rust", "ruby": "ruby",
    "rust": "rust", "scss": "scss", "sh": "bash", "shell": "bash", "shell-session": "console", "sql": "sql",
    "swift": "swift", "toml": "toml", "ts": "typescript", "tsx": "typescript", "typescript": "typescript",
    "xml": "xml", "yaml": "yaml", "yml": "yaml", "zsh": "bash",
}  # fmt: skip


def coloured(source: str, language: str) -> str:
    """`source` as HTML, coloured where its language is known and its size allows."""
    lexer_name = _LEXERS.get(language.lower())
    long = len(source) > CODE_CHARACTERS or any(
        len(line) > CODE_LINE_CHARACTERS for line in source.split("\n")
    )
    if lexer_name is None or long:
        return escape(source)
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    lexer = get_lexer_by_name(lexer_name, stripnl=False, ensurenl=False)
    return str(highlight(source, lexer, HtmlFormatter(nowrap=True)))
