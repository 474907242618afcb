import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from docgen_main.html.frame import framed as page
from docgen_main.html.limits import DIAGRAM_CHARACTERS, DIAGRAMS
from docgen_main.html.svg import rebuilt

KINDS = {
    "flowchart": "flowchart LR\n  A{Choice} -->|yes| B[(Store)]\n  subgraph G\n    B --> C\n  end\n",
    "sequence": "sequenceDiagram\n  A->>B: ask\n  alt ok\n    B-->>A: answer\n  end\n",
    "class": "classDiagram\n  class Animal {\n    +eat(food) bool\n  }\n  Animal <|-- Dog\n",
    "state": "stateDiagram-v2\n  [*] --> Idle\n  Idle --> [*]\n",
    "er": "erDiagram\n  CUSTOMER ||--o{ ORDER : places\n",
    "gantt": "gantt\n  dateFormat YYYY-MM-DD\n  section A\n  Task :a1, 2026-01-01, 30d\n",
    "pie": 'pie title Pets\n  "Dogs" : 3\n  "Cats" : 1\n',
    "mindmap": "mindmap\n  root((docs))\n    Files\n",
    "gitGraph": "gitGraph\n  commit\n  branch dev\n  commit\n",
    "journey": "journey\n  section Work\n    Code: 5: Me\n",
    "timeline": "timeline\n  2025 : a\n  2026 : b\n",
    "quadrant": "quadrantChart\n  x-axis Low --> High\n  A: [0.3, 0.6]\n",
    "c4": 'C4Context\n  Person(a, "User")\n  System(b, "System")\n  Rel(a, b, "uses")\n',
    "block": "block-beta\n  columns 2\n  a b\n",
    "xychart": "xychart-beta\n  x-axis [jan, feb]\n  bar [10, 50]\n",
    "requirement": "requirementDiagram\n  requirement r1 {\n    id: 1\n    text: a.\n  }\n",
    "sankey": "sankey-beta\nA,B,10\n",
    "architecture": "architecture-beta\n  service s(server)[S]\n",
    "packet": 'packet-beta\n0-15: "Source"\n',
    "kanban": "kanban\n  Todo\n    [Write]\n",
}

BOLD = 'flowchart LR\n  a["same"] --> b["same"]\n  style b font-weight:bold\n'


def drawn(source: str) -> str:
    return page(f"# T\n\n```mermaid\n{source}```\n").decode()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_mermaid_diagram_is_drawn_and_keeps_its_text(kind: str) -> None:
    text = drawn(KINDS[kind])
    svg = text[text.index("<svg") : text.rindex("</svg>") + 6]
    ElementTree.fromstring(svg)
    assert ' role="img" aria-label="Diagram (' in svg
    assert "style=" not in svg
    assert "id=" not in svg
    assert "Text of the diagram" in text


def test_text_keeps_the_width_that_was_left_for_it_whatever_letters_the_reader_has() -> None:
    text = drawn("classDiagram\n  class A {\n    +eat(food) bool\n  }\n")
    small, bold = (float(found) for found in re.findall(r'textLength="([\d.]+)"', drawn(BOLD))[:2])
    assert re.search(r'textLength="\d+\.\d" lengthAdjust="spacingAndGlyphs">\+eat\(food\) : bool<', text)
    assert small < bold


def test_what_is_no_diagram_is_shown_as_text_with_the_reason() -> None:
    text = drawn("flowchart TD\n  A --> --> [\n")
    assert "<svg" not in text
    assert "A --&gt; --&gt; [" in text
    assert "Not drawn: syntax at 2" in text


@pytest.mark.parametrize(
    "source",
    [
        'flowchart TD\n  a["<img src=x onerror=alert(1)>"] --> b["</svg><script>alert(2)</script>"]\n',
        'flowchart TD\n  a --> b\n  click a "javascript:alert(3)"\n  click b href "https://evil.example"\n',
        "flowchart TD\n  a\n  style a fill:#f00,background-image:url(//evil.example)\n",
        "%%{init: {'themeCSS': '@import url(https://evil.example/x.css)'}}%%\nflowchart TD\n  a\n",
        "sequenceDiagram\n  A->>B: <script>alert(4)</script>\n",
        "flowchart TD\n  a@{ img: 'https://evil.example/x.png', label: 'x' }\n",
    ],
)
def test_a_hostile_diagram_brings_no_element_address_or_style_along(source: str) -> None:
    text = drawn(source)
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        tags = {element.tag for element in ElementTree.fromstring(svg).iter()}
        assert tags <= {"svg", "g", "path", "rect", "circle", "text", "tspan", "polygon"}
        assert not re.search(r"href|url\(|style=|\son\w+=", re.sub(r">[^<]*<", "><", svg))
    assert text.count("<script") == 1


def test_only_listed_elements_and_attributes_of_a_drawing_are_taken_over() -> None:
    drawing = rebuilt(
        '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10" onload="x"><style>a{}</style>'
        '<foreignObject><p>x</p></foreignObject><image href="x"/><a href="x"><text>in</text></a>'
        '<rect fill="url(//evil.example)" x="1" onclick="x" style="rx:4px;fill:#F96;position:fixed"/>'
        "<text>kept &lt;b&gt;</text></svg>",
        room=500,
        label='"x"',
        measure=lambda *_: 33.0,
    )
    assert drawing.own_colours
    assert re.findall(r"<(\w+)", drawing.svg) == ["svg", "rect", "text"]
    assert ' rx="4px"' in drawing.svg
    assert ' fill="#f96"' in drawing.svg
    assert "kept &lt;b&gt;" in drawing.svg
    assert "evil" not in drawing.svg
    assert "on" not in set(re.findall(r"\s(\w\w)\w+=", drawing.svg))


@pytest.mark.parametrize(
    "svg", ["<svg", "<p/>", "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg width='1' height='1'/>"]
)
def test_what_is_no_drawing_is_refused(svg: str) -> None:
    with pytest.raises(ValueError, match="drawing"):
        rebuilt(svg, room=500, label="x", measure=lambda *_: 1.0)


def test_diagrams_that_are_too_long_or_too_many_are_shown_as_text() -> None:
    long = drawn("flowchart TD\n" + "  a --> b\n" * (DIAGRAM_CHARACTERS // 10 + 1))
    assert "<svg" not in long
    assert "more than 50,000 characters" in long
    many = page("```mermaid\nflowchart TD\n  a\n```\n\n" * (DIAGRAMS + 1)).decode()
    assert many.count("<svg") == DIAGRAMS
    assert f"{DIAGRAMS} diagrams at most" in many


def test_a_diagram_whose_author_chose_colours_stands_on_light_paper() -> None:
    assert 'class="diagram own"' in drawn("flowchart TD\n  a\n  style a fill:#f96\n")
    assert 'class="diagram"' in drawn("flowchart TD\n  a --> b\n")


def test_a_wide_diagram_keeps_letters_that_can_be_read() -> None:
    text = drawn("flowchart LR\n" + "".join(f"  n{n} --> n{n + 1}\n" for n in range(40)))
    assert 'class="diagram wide"' in text


def test_the_style_sheet_has_every_colour_that_diagrams_use() -> None:
    style = (Path(rebuilt.__code__.co_filename).parent / "assets" / "page.css").read_text()
    used = set(re.findall(r"var\((--diagram-\w+)\)", "".join(drawn(source) for source in KINDS.values())))
    assert len(used) > 4
    assert all(f"{name}:" in style for name in used)
