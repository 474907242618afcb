import re

from docgen_main.documents.diagram import component_diagram, reduced
from docgen_main.facts.model import Edge


def diagram(names: list[str], *pairs: tuple[str, str]) -> str:
    return component_diagram(names, tuple(Edge(a, b, 1) for a, b in pairs))


def arrows(text: str) -> set[tuple[str, str]]:
    labels = dict(re.findall(r'(n\d+)\["([^"]*)"\]', text))
    return {(labels[a], labels[b]) for a, b in re.findall(r"(n\d+) --> (n\d+)", text)}


def chain(count: int) -> list[tuple[str, str]]:
    return [(f"p.m{a:02}", f"p.m{b:02}") for a in range(count) for b in range(a + 1, count)]


def test_without_imports_there_is_no_diagram() -> None:
    assert diagram(["a", "b"]) == ""
    assert diagram(["a"], ("a", "a")) == ""


def test_few_arrows_are_all_drawn_and_names_lose_the_beginning_they_share() -> None:
    assert arrows(diagram(["p.a", "p.b", "p.c"], ("p.a", "p.b"), ("p.b", "p.c"), ("p.a", "p.c"))) == {
        ("a", "b"),
        ("b", "c"),
        ("a", "c"),
    }
    assert arrows(diagram(["p", "p.a"], ("p.a", "p"))) == {("p.a", "p")}


def test_of_many_arrows_those_stay_that_no_path_replaces() -> None:
    names = [f"p.m{n:02}" for n in range(8)]
    assert arrows(diagram(names, *chain(8))) == {(f"m{n:02}", f"m{n + 1:02}") for n in range(7)}


def test_what_reached_what_still_does_when_arrows_are_left_out_of_circles() -> None:
    pairs = {(a, b) for a in "abcdef" for b in "abcdef" if a != b and (a < b or b == "a")}
    kept = reduced(pairs, list("abcdef"))
    assert kept < pairs
    assert all(reach(kept, a) == reach(pairs, a) for a in "abcdef")


def reach(pairs: set[tuple[str, str]], start: str) -> set[str]:
    found, waiting = set(), [start]
    while waiting:
        here = waiting.pop()
        new = {b for a, b in pairs if a == here} - found
        found |= new
        waiting += new
    return found


def test_a_hundred_components_become_thirty_at_most_small_groups_first() -> None:
    names = [f"p.big.m{n}" for n in range(28)] + [f"p.small{g}.m{n}" for g in range(24) for n in range(3)]
    pairs = [(f"p.big.m{n}", f"p.small{n % 24}.m0") for n in range(28)]
    drawn = {name for pair in arrows(diagram(names, *pairs)) for name in pair}
    assert 2 <= len(drawn) <= 30
    assert "small3" in drawn


def test_components_in_one_wide_rank_are_drawn_from_left_to_right() -> None:
    wide = [(f"user_number_{n}", "engine") for n in range(20)]
    assert diagram([*(a for a, _ in wide), "engine"], *wide).startswith("flowchart LR")
    assert diagram(["a", "b"], ("a", "b")).startswith("flowchart TD")


def test_a_name_cannot_leave_its_label() -> None:
    name = 'a"] --> x[("'
    text = diagram([name, "b"], (name, "b"))
    assert len(re.findall("-->", text)) == 1


def test_a_circle_through_the_package_around_is_drawn_from_that_package() -> None:
    layers = ["p.cli", "p.actions", "p.plan", "p.model"]
    pairs = [("p", "p.cli"), ("bench", "p.plan"), ("bench", "p.model"), *((name, "p") for name in layers)]
    pairs += [(a, b) for n, a in enumerate(layers) for b in layers[n + 1 :]]
    text = diagram(["bench", "p", *layers], *pairs)
    assert re.findall(r'\["([^"]*)"\]', text) == ["p", "p.cli", "bench", "p.actions", "p.plan", "p.model"]
    kept = {("p", "p.cli"), ("p.cli", "p.actions"), ("p.actions", "p.plan"), ("p.plan", "p.model")}
    assert arrows(text) == kept | {("p.model", "p"), ("bench", "p.plan")}
