import time
from pathlib import Path

import pytest
from docgen_main.html.frame import framed as page

from tests.servers.main.html.browser import Browser
from tests.servers.main.html.test_page import HOSTILE

ROOT = Path(__file__).parents[4]
DIAGRAM = "```mermaid\nflowchart TD\n  a[One] --> b[Two]\n```\n"
LONG = "\n".join(
    f"## Part {number}\n\n### Detail {number}\n\n" + "Some words. " * 150 for number in range(20)
)
WIDE = "| " + " | ".join(["`a/long/path/to/some_file.py`"] * 9) + " |\n" + "| --- " * 9 + "|\n"


def write(tmp_path: Path, markdown: str) -> Path:
    file = tmp_path / "page.html"
    file.write_bytes(page(markdown))
    return file


@pytest.mark.parametrize("dark", [False, True])
def test_a_page_complains_of_nothing_and_asks_for_nothing(
    browser: Browser, tmp_path: Path, dark: bool
) -> None:
    text = f"# All\n\n{HOSTILE}\n\n{DIAGRAM}\n\n{LONG}"
    browser.open(write(tmp_path, text), dark=dark)
    assert browser.complaints() == []
    assert [address for address in browser.asked_for() if not address.startswith("data:")] == [
        (tmp_path / "page.html").as_uri()
    ]
    assert browser.run("document.querySelectorAll('main script, main style, iframe, form').length") == 0


def test_own_documents_are_shown_without_complaint_and_fit_a_narrow_window(
    browser: Browser, tmp_path: Path
) -> None:
    for name in ("README.md", "docs/cli.md", "docs/architecture.md"):
        browser.open(write(tmp_path, (ROOT / name).read_text(encoding="utf-8")), width=360, height=700)
        assert browser.complaints() == [], name
        assert browser.run("document.documentElement.scrollWidth") <= 360, name


def test_wide_tables_and_code_scroll_in_frames_of_their_own(browser: Browser, tmp_path: Path) -> None:
    browser.open(
        write(tmp_path, f"# {'t' * 90}\n\n{'w' * 300}\n\n{WIDE}{WIDE}\n```\n{'x' * 500}\n```\n"), width=400
    )
    assert browser.run("document.documentElement.scrollWidth") <= 400
    assert browser.run(
        "[...document.querySelectorAll('.table, pre')].every(one => one.scrollWidth > one.clientWidth"
        " && one.tabIndex === 0)"
    )


def test_an_injected_script_would_not_run(browser: Browser, tmp_path: Path) -> None:
    file = write(tmp_path, "# T\n")
    file.write_bytes(file.read_bytes().replace(b"</article>", b"<script>window.ran = 1</script></article>"))
    browser.open(file)
    assert browser.run("window.ran === undefined")
    assert any("Content Security Policy" in complaint for complaint in browser.complaints())


def test_the_contents_follow_the_reader(browser: Browser, tmp_path: Path) -> None:
    browser.open(write(tmp_path, f"# T\n\n{LONG}"))
    current = "document.querySelector('nav [aria-current]')?.textContent"
    assert browser.run(current) == "Detail 0"
    browser.run("document.getElementById('detail-12').scrollIntoView({behavior: 'instant'})")
    frames = "requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done)))"
    browser.run(f"new Promise(done => {frames})")
    assert browser.run(current) == "Detail 12"
    assert browser.run("document.querySelectorAll('nav li.open').length") == 2


def test_code_is_copied_without_prompts_and_output(browser: Browser, tmp_path: Path) -> None:
    browser.open(write(tmp_path, "# T\n\n```console\n$ make up\ndone\n```\n"))
    copied = (
        "new Promise(tell => { navigator.clipboard.writeText = async text => tell(text);"
        " document.querySelector('.copy').click(); })"
    )
    assert browser.run(copied).strip() == "make up"


def test_the_reader_chooses_light_or_dark_and_paper_is_light(browser: Browser, tmp_path: Path) -> None:
    browser.open(write(tmp_path, f"# T\n\n{DIAGRAM}"), dark=True)
    colours = (
        "[getComputedStyle(document.body).backgroundColor,"
        " getComputedStyle(document.querySelector('.canvas rect')).fill]"
    )
    dark = browser.run(colours)
    browser.run("document.querySelector('.theme').click()")
    light = browser.run(colours)
    assert light[0] == "rgb(255, 255, 255)"
    assert dark[0] != light[0]
    assert dark[1] != light[1]
    browser.run("document.querySelector('.theme').click()")
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.run(colours) == light
    assert browser.run("getComputedStyle(document.querySelector('.theme')).display") == "none"


def test_every_control_has_a_name_for_those_who_cannot_see_it(browser: Browser, tmp_path: Path) -> None:
    browser.open(write(tmp_path, f"# T\n\n{HOSTILE}\n\n{DIAGRAM}\n\n{LONG}"))
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    told = [
        (node["role"]["value"], (node.get("name") or {}).get("value", ""))
        for node in nodes
        if not node["ignored"]
    ]
    roles = {role for role, _ in told}
    assert {"main", "navigation", "heading", "button"} <= roles
    nameless = [role for role, name in told if role in {"button", "link", "image", "region"} and not name]
    assert nameless == []


@pytest.mark.parametrize("dark", [False, True])
def test_all_text_stands_out_from_its_ground(browser: Browser, tmp_path: Path, dark: bool) -> None:
    code = "```python\n# comment\n@d\ndef f(x: int) -> str:\n    return 'x' + str(1)\n```\n"
    notes = "".join(
        f"> [!{kind}]\n> Words\n\n" for kind in ("NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION")
    )
    text = f"# T\n\nFirst\n\n## A\n\n[link](#a) `code`\n\n> quote\n\n{code}\n{notes}\n{DIAGRAM}\n## B\n"
    browser.open(write(tmp_path, text), dark=dark)
    faint = browser.run(CONTRAST)
    assert faint == []


def test_a_long_reference_is_shown_soon(browser: Browser, tmp_path: Path) -> None:
    text = "# T\n\n" + "".join(
        f"## Module {part}\n\n"
        + "".join(f"#### `name_{n}`\n\n```python\ndef name_{n}(): ...\n```\n\nWords.\n\n" for n in range(40))
        for part in range(50)
    )
    file = write(tmp_path, text)
    begun = time.monotonic()
    browser.open(file)
    assert time.monotonic() - begun < 20
    assert browser.complaints() == []


#: Every text whose contrast to the ground it stands on is below what WCAG AA asks of small text.
CONTRAST = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = (colour) => [...colour].slice(0, 3)
    .map((c) => c / 255).map((c) => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [.2126, .7152, .0722][at], 0);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] > 200) return colour;
    }
    return rgba("white");
  };
  const faint = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const one = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || one.closest("script, svg, .anchor, .copy")) continue;
    const [a, b] = [light(rgba(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) faint.push(walk.currentNode.data.trim().slice(0, 30));
  }
  return faint;
})()
"""
