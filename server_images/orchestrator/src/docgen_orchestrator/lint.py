"""Looks at what servers say of their tools, prompts and resources, as a model would read it.

A description is text from outside that a model takes for instructions (tool poisoning). Flagged are hidden
characters, and text that speaks to the model about something else than the tool: its other instructions, its
user, files that hold keys, other tools. Nothing is decided here; people are told. So every rule is narrow:
it has to give nothing for the tools of our own servers, and for descriptions that only mention such words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from docgen_orchestrator.hidden_text import hidden_characters, visible
from docgen_orchestrator.offer import Item

LONGEST_TEXT = 32 * 1024
"""How much of one text is looked at; what is longer is a finding of its own."""

_MOST_DEPTH = 40
_NEVER = r"\b(?:do not|don't|never|must not|should not|without)\b"
_RULES: Mapping[str, str] = {
    "asks to set instructions aside": (
        r"\b(?:ignore|disregard|forget|override|bypass)\b[^.]{0,40}"
        r"\b(?:previous|prior|above|earlier|preceding|existing|all other|system|developer)\b[^.]{0,30}"
        r"\b(?:instruction|prompt|rule|message|guideline|directive|context)s?\b"
    ),
    "asks to keep something from the user": (
        _NEVER + r"\s+(?:\w+\s+){0,2}?(?:tell|telling|inform|informing|mention|mentioning|reveal|revealing|"
        r"show|showing|notify|notifying|alert|alerting|disclose|disclosing)\b[^.]{0,40}"
        r"\b(?:user|human|person|operator)s?\b"
        r"|\b(?:hide|conceal|keep)\b[^.]{0,30}\bfrom (?:the )?(?:user|human)\b"
        r"|\bthe user (?:must|should) (?:not|never) (?:know|see|notice|be (?:told|informed))"
    ),
    "names a file that holds keys": (
        r"(?:~|\$home|\$\{home\}|/root|/home/[\w.-]+|/users/[\w.-]+)/\.(?:ssh|aws|gnupg|kube|docker|netrc|"
        r"npmrc|pypirc|cursor|claude|config/gcloud|git-credentials)\b"
        r"|\bid_(?:rsa|ed25519|ecdsa|dsa)\b|/etc/(?:passwd|shadow|sudoers)\b|\.aws/credentials\b"
    ),
    "dresses up as a message of another part": (
        r"</?(?:important|system|instructions?|secret|hidden|admin|assistant|user|prompt)>"
        r"|\[/?(?:system|inst|instructions?)\]|<\|(?:im_start|im_end|system|user|assistant|endoftext)\|>"
    ),
    "gives the model another role": (
        r"\byou are now\b|\bfrom now on,? (?:you|always|never|ignore)\b|\bnew (?:system )?instructions?\s*:"
        r"|\b(?:developer|dan|jailbreak|god) mode\b"
    ),
    "asks for what was said elsewhere": (
        r"\b(?:send|pass|include|provide|forward|copy|return|output|reveal|print|repeat|append|attach|put)\b"
        r"[^.]{0,50}\b(?:system prompt|(?:conversation|chat|message) history|previous (?:messages|"
        r"conversations?)|(?:entire|whole|full) (?:conversation|context))\b"
    ),
    "puts itself before other tools": (
        r"\b(?:instead of|rather than|before) (?:any|all|every) other tools?\b"
        r"|\b(?:do not|don't|never) (?:use|call) (?:any )?other tools?\b"
        r"|\b(?:this tool|it) (?:has|takes) (?:absolute |the highest )?(?:priority|precedence) over\b"
    ),
    "has a comment that is not shown": r"<!--[\s\S]{1,2000}?-->",
    "has a long run of encoded text": r"[a-z0-9+/]{200,}={0,2}",
}
_COMPILED = {what: re.compile(pattern, re.IGNORECASE) for what, pattern in _RULES.items()}


@dataclass(frozen=True)
class Finding:
    """Something that people should look at: ``hidden`` characters or text like an ``instruction``.

    ``where`` is the path of the text in the definition, ``excerpt`` the words it is about, in ASCII.
    """

    kind: str
    where: str
    what: str
    excerpt: str = ""


def lint(definition: Item) -> tuple[Finding, ...]:
    """What is odd about a tool, prompt, resource or template, in the order of its texts."""
    told = {key: value for key, value in definition.items() if key != "_meta"}
    return tuple(finding for where, text in _texts(told, (), 0) for finding in _of_text(where, text))


def _texts(value: Any, path: tuple[str, ...], depth: int) -> Iterator[tuple[str, str]]:
    """Every text below ``value``, names of members included, with its path."""
    if isinstance(value, str):
        yield "/".join(path), value
    elif depth > _MOST_DEPTH:
        return
    elif isinstance(value, Mapping):
        for key, below in value.items():
            name = ascii(str(key))[1:-1]
            if not str(key).isascii() or len(str(key)) > 64:
                yield "/".join((*path, name)), str(key)
            yield from _texts(below, (*path, name[:64]), depth + 1)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _texts(below, (*path, str(index)), depth + 1)


def _of_text(where: str, text: str) -> Iterator[Finding]:
    if len(text) > LONGEST_TEXT:
        yield Finding("instruction", where, f"is too long to be looked at whole: {len(text)} characters")
        text = text[:LONGEST_TEXT]
    if not text.isascii() or not text.isprintable():
        for what in hidden_characters(text):
            yield Finding("hidden", where, what)
    readable = re.sub(r"\s+", " ", visible(text))
    for what, pattern in _COMPILED.items():
        match = pattern.search(readable)
        if match is not None:
            yield Finding("instruction", where, what, ascii(match[0][:120])[1:-1])
