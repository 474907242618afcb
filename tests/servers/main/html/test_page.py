import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from docgen_main.html.frame import framed as page

HOSTILE = """\
# Title <script>alert('title')</script>

<!-- docgen:section id=x --><script>alert(1)</script>

<img src=x onerror=alert(2)> and <b onclick="alert(3)">bold</b><br>next <!-- hidden --> line

[a](javascript:alert(4)) [b](JaVaScRiPt:alert(5)) [c](data:text/html,x) [d](//evil.example/x) [e](file:///etc/passwd)
[f](https://example.org 'x" onmouseover="alert(6)') <javascript:alert(7)> [g]: javascript:alert(8)

![far](https://evil.example/track.png) ![svg](data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=)

## `</nav><script>alert(9)</script>`

## Two

## Two

```"><script>alert(10)</script>
</code></pre><script>alert(11)</script>
```

```python
x = "</span><script>alert(12)</script>"
```

| a | b |
| :-- | --: |
| <script>alert(13)</script> | [x](javascript:alert(14)) |

> [!WARNING]
> careful <iframe src=https://evil.example></iframe>

<style>body { display: none }</style>
<base href="https://evil.example/"><form action="https://evil.example"><input></form>
"""

ALLOWED = (
    "html head meta title style body a nav details summary ol li main article footer script "
    "h1 h2 h3 h4 h5 h6 p span div pre code table thead tbody tr th td img br hr ul em strong s "
    "blockquote input sup section dl dt dd wbr"
)
ATTRIBUTES = (
    "lang charset http-equiv content name class href id aria-label tabindex role open title rel "
    "src alt data-align type disabled checked start"
)


class Seen(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def values(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.tags if name in attributes]


def test_nothing_in_hostile_markdown_becomes_an_element_or_an_attribute_that_acts() -> None:
    seen = Seen(page(HOSTILE).decode())
    assert {tag for tag, _ in seen.tags} <= set(ALLOWED.split())
    assert {name for _, attributes in seen.tags for name in attributes} <= set(ATTRIBUTES.split())
    assert sum(tag == "script" for tag, _ in seen.tags) == 1
    assert sum(tag == "style" for tag, _ in seen.tags) == 1


def test_links_lead_only_to_the_web_and_to_places_on_the_page() -> None:
    for target in Seen(page(HOSTILE).decode()).values("href"):
        assert target.startswith(("#", "https://example.org"))


@pytest.mark.parametrize(
    "target",
    [
        "javascript&colon;alert(1)",
        "java&Tab;script:alert(1)",
        "&#1;javascript:alert(1)",
        "\\\\evil.example/x",
        "/\\evil.example",
        "//evil.example",
        "vbscript:x",
        "data:text/html;base64,eA==",
        "data:image/svg+xml,x",
        "blob:https://example.org/x",
        "view-source:x",
    ],
)
def test_a_link_that_must_not_lead_anywhere_leads_nowhere(target: str) -> None:
    hrefs = Seen(page(f"[x](<{target}>)").decode()).values("href")
    assert all(re.match(r"#|%5C|java%09script|&#1;javascript|/%5C", href) for href in hrefs), hrefs


def test_no_address_is_loaded_by_the_page() -> None:
    text = page(HOSTILE).decode()
    assert Seen(text).values("src") == []
    assert "default-src 'none'" in text
    assert "unsafe" not in text.split("</head>")[0]


def test_a_picture_inside_the_markdown_is_shown() -> None:
    assert Seen(page("![dot](data:image/png;base64,aGk=)").decode()).values("src") == [
        "data:image/png;base64,aGk="
    ]


def test_comments_are_left_out_and_other_raw_html_is_text() -> None:
    text = page("before <!-- one -->\n\n<!-- two\n\nthree -->\n\n<kbd>Ctrl</kbd>\n").decode()
    article = text[text.index("<article>") : text.index("</article>")]
    assert "one" not in article
    assert "three" not in article
    assert "&lt;kbd&gt;Ctrl&lt;/kbd&gt;" in article


def test_headings_of_one_name_get_names_of_their_own() -> None:
    ids = Seen(page("# T\n## Two\n## Two\n## Two 1\n## Two\n## \n## §\n").decode()).values("id")
    assert len(ids) == len(set(ids))
    assert {"two", "two-1", "two-1-1", "two-2"} <= set(ids)


def test_the_contents_list_every_heading_below_the_title() -> None:
    text = page("# T\n## One\n#### Deep `code`\n### Less\n## Two & three\n").decode()
    nav = text[text.index("<nav") : text.index("</nav>")]
    assert re.findall(r'href="#([^"]+)"', nav) == ["one", "deep-code", "less", "two--three"]
    assert "Two &amp; three" in nav


def test_the_first_heading_is_the_title_unless_one_is_given() -> None:
    assert "<title>One &amp; only</title>" in page("# One & only\n").decode()
    assert "<title>Given</title>" in page("# One\n", title="Given").decode()


def test_code_in_a_known_language_is_coloured_and_hostile_code_is_not_slow() -> None:
    assert '<span class="k">' in page("```python\ndef f(): ...\n```\n").decode()
    assert '<span class="k">' not in page(f"```python\n{'def ' * 1000}\n```\n").decode()


def test_an_idle_server_has_not_loaded_what_makes_pages() -> None:
    look = (
        "import sys, docgen_main.server, docgen_main.html; "
        "print(sorted({'markdown_it', 'mdit_py_plugins', 'pygments.formatters.html'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", look],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(p for p in sys.path if "server_images" in p)},
    )
    assert done.stdout.strip() == "[]"
