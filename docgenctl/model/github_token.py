"""What kind of token GitHub made, told by the prefix that it gives each kind.

After "Behind GitHub's new authentication token formats". The server `github` has the same table
(`docgen_github.token_facts`); a test holds both to each other.
"""

#: Prefix → kind.
TOKEN_KINDS = {
    "github_pat_": "fine-grained",
    "ghp_": "classic",
    "gho_": "oauth",
    "ghu_": "app-user",
    "ghs_": "app-installation",
}


def token_kind(token: str) -> str:
    """`none` for an empty one, the kind that the prefix says, or `unknown`."""
    if not token:
        return "none"
    return next((kind for prefix, kind in TOKEN_KINDS.items() if token.startswith(prefix)), "unknown")


def is_sendable(token: str) -> bool:
    """Whether it can stand in a header of HTTP; the server refuses to send one that cannot."""
    return token.isascii() and token.isprintable() and " " not in token
