"""Facts that are sentences: the first paragraph of a README, the kind of a license."""

import re

_LICENSES = (
    ("Apache License", "Version 2.0", "Apache-2.0"),
    ("GNU AFFERO GENERAL PUBLIC LICENSE", "Version 3", "AGPL-3.0"),
    ("GNU LESSER GENERAL PUBLIC LICENSE", "Version 3", "LGPL-3.0"),
    ("GNU GENERAL PUBLIC LICENSE", "Version 3", "GPL-3.0"),
    ("GNU GENERAL PUBLIC LICENSE", "Version 2", "GPL-2.0"),
    ("Mozilla Public License", "2.0", "MPL-2.0"),
    ("Permission is hereby granted, free of charge", "THE SOFTWARE IS PROVIDED", "MIT"),
    ("Redistribution and use in source and binary forms", "Neither the name", "BSD-3-Clause"),
    ("Redistribution and use in source and binary forms", "", "BSD-2-Clause"),
    ("Permission to use, copy, modify, and", "", "ISC"),
)
_HEADING = re.compile(r"^#{1,2}\s{1,4}(.{1,200}?)\s{0,4}#{0,4}$")


def license_name(text: str) -> str:
    """The SPDX name of the license whose text this is, or "" when it is none of the common ones."""
    head = " ".join(text[:4000].split())
    for first, second, name in _LICENSES:
        if first.casefold() in head.casefold() and second.casefold() in head.casefold():
            return name
    return ""


def readme_title(text: str) -> str:
    """The first heading of a Markdown README, or ""."""
    for line in text.splitlines()[:40]:
        match = _HEADING.match(line[:300])
        if match:
            return match[1].strip()
    return ""


def first_paragraph(text: str) -> str:
    """The first paragraph that is prose: no heading, badge, list, table, quote or code."""
    fenced = False
    paragraph: list[str] = []
    for raw in text.splitlines()[:200]:
        line = raw.strip()
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        plain = (
            bool(line)
            and not fenced
            and not line.startswith(("#", "[!", "![", "|", ">", "-", "*", "<", "=", "`", ".."))
        )
        if plain:
            paragraph.append(line)
        elif paragraph:
            break
    return " ".join(paragraph)


def first_sentence(doc: str) -> str:
    """The first sentence of a docstring's first paragraph, on one line."""
    paragraph = " ".join(doc.split("\n\n", 1)[0].split())
    match = re.match(r"(.{1,300}?[.!?])(?=\s[A-Z`*(]|$)", paragraph)
    return match[1] if match else paragraph[:300]
