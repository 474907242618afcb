"""The pictures say what the model says, no more and no less, for any set of servers."""

import os
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docgenctl.model.stack import Stack
from docgenctl.model.topology import HOST, OUTSIDE, Topology
from docgenctl.planning.trace_topology import trace_topology
from docgenctl.rendering.topology_mermaid import topology_mermaid
from docgenctl.rendering.topology_svg import topology_svg
from docgenctl.rendering.topology_text import in_ascii, topology_text
from tests.unit.rendering.blueprints import EMPTY, FACTS, FULL, make_blueprint, make_stack

GOLDEN = Path(__file__).parents[2] / "golden" / "topology"
Edges = set[tuple[str, str]]


def stack_of(names: list[str]) -> Stack:
    servers = {name: {"image": "main" if index % 2 else "github"} for index, name in enumerate(names)}
    return make_stack(make_blueprint({"project": "many-1a2b3c", "servers": servers}))


def topology_of(stack: Stack) -> Topology:
    return trace_topology(stack, allowed={"main": ["example.com"], "github": []})


def expected_edges(stack: Stack) -> Edges:
    """From the stack itself, not from what was traced."""
    edges = {(service.name, place.network) for service in stack.services for place in service.networks}
    for service in stack.services:
        for place in service.networks:
            network = stack.network(place.network)
            if service.ports and not network.closed:
                edges.add((HOST, network.key))
            if not network.closed and network.masquerade:
                edges.add((OUTSIDE, network.key))
    return edges


def drawn_in_text(text: str) -> Edges:
    """Follow each line of a picture from the box (or end) above it to the one below."""
    rows = text.splitlines()
    edges: Edges = set()
    for index, row in enumerate(rows):
        for match in re.finditer(r"[│║#|] (mcp-[a-z0-9-]+)", row):
            for step in (-1, 1):
                edges.add((end_at(rows, index + step, match.start(), step), match[1]))
    return edges


def end_at(rows: list[str], index: int, column: int, step: int) -> str:
    edge = rows[index] if index < len(rows) else ""
    if edge[column : column + 1] not in ("┴", "┬", "+"):
        return HOST if step < 0 else OUTSIDE
    middle = rows[index + step]
    bars = [at for at, sign in enumerate(middle) if sign in "│|"]
    (left, right) = next((a, b) for a, b in pairwise(bars) if a < column < b)
    return middle[left + 1 : right].strip()


def drawn_in_svg(text: str) -> Edges:
    root = ElementTree.fromstring(text)
    edges: Edges = set()
    for line in root.iter("{http://www.w3.org/2000/svg}line"):
        if "data-network" in line.attrib:
            ends = (line.attrib["data-from"], line.attrib["data-to"])
            edges |= {(end, line.attrib["data-network"]) for end in ends}
    return edges


def drawn_in_mermaid(text: str) -> Edges:
    names = dict(re.findall(r'^    (\w+)[\[{(]{1,2}"([^"]*)"', text, re.M))
    names |= {"n_host": HOST, "n_outside": OUTSIDE}
    pairs = re.findall(r"^    (\w+) --- (\w+)$", text, re.M)
    ends = [(names[a], names[b]) for a, b in pairs]
    return {(b, a) if a.startswith("mcp-") else (a, b) for a, b in ends}


def listed(text: str) -> Edges:
    """Of the list, the services' own lines."""
    edges: Edges = set()
    owner = ""
    for line in text.splitlines():
        if line and not line.startswith(" "):
            owner = line
        elif match := re.match(r"  (mcp-[a-z0-9-]+) \((?:closed|open)\): (.*)", line):
            edges.add((owner, match[1]))
            edges |= {(HOST, match[1])} if "published ports" in match[2] else set()
            edges |= {(OUTSIDE, match[1])} if "the way out" in match[2] else set()
    return edges


@pytest.mark.parametrize(("name", "wanted"), [("full", FULL), ("empty", EMPTY)])
def test_pictures_are_as_expected(name: str, wanted: dict) -> None:
    topology = topology_of(make_stack(make_blueprint(wanted)))
    pictures = {
        f"{name}.80.txt": topology_text(topology, width=80),
        f"{name}.20.txt": topology_text(topology, width=20),
        f"{name}.ascii.txt": in_ascii(topology_text(topology, width=80)),
        f"{name}.svg": topology_svg(topology),
        f"{name}.mmd": topology_mermaid(topology),
    }
    if os.environ.get("REFRESH_GOLDEN"):
        for file, text in pictures.items():
            (GOLDEN / file).write_text(text, encoding="utf-8")
    for file, text in pictures.items():
        assert text == (GOLDEN / file).read_text(encoding="utf-8"), file


NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,12}[a-z0-9]", fullmatch=True), max_size=7, unique=True)


@settings(max_examples=40, deadline=None)
@given(NAMES.filter(lambda names: not {"gateway", "egress", "orchestrator"} & set(names)))
def test_every_edge_drawn_is_an_edge_of_the_stack_and_the_other_way_round(names: list[str]) -> None:
    stack = stack_of(names)
    topology, wanted = topology_of(stack), expected_edges(stack)
    assert topology.edges == wanted
    assert drawn_in_svg(topology_svg(topology)) == wanted
    assert drawn_in_mermaid(topology_mermaid(topology)) == wanted
    wide = topology_text(topology, width=400)
    assert drawn_in_text(wide) == wanted
    assert drawn_in_text(in_ascii(wide)) == wanted
    assert listed(topology_text(topology, width=39)) <= wanted  # names may be folded there


def test_a_list_names_every_edge_when_the_servers_are_too_many_for_a_picture() -> None:
    stack = stack_of([f"server-{letter}" for letter in "abcdefghij"])
    text = topology_text(topology_of(stack), width=80)
    assert listed(text) == expected_edges(stack)
    assert "┌" not in text


@pytest.mark.parametrize("width", [10, 20, 39, 40, 60, 80, 120])
@pytest.mark.parametrize("names", [[], ["main"], ["github", "main"], ["aa", "bb", "cc", "dd", "ee", "ff"]])
def test_nothing_is_wider_than_the_window(names: list[str], width: int) -> None:
    text = topology_text(topology_of(stack_of(names)), width=width)
    longest = max(len(word) for word in text.split())
    assert max(map(len, text.splitlines())) <= max(width, longest + 2)


def test_what_has_no_picture_is_told_as_a_list_in_the_svg_too() -> None:
    topology = topology_of(make_stack(make_blueprint(FULL)))
    lines = (*topology.lines, replace(topology.lines[0], network="mcp-side", ends=("github", "main")))
    text = topology_svg(replace(topology, lines=lines))
    assert "mcp-side (open): main" in text
    ElementTree.fromstring(text)


def test_names_cannot_become_markup() -> None:
    topology = replace(topology_of(make_stack(make_blueprint(FULL))), project="<script>&\"'")
    text = topology_svg(topology)
    assert "<script" not in text
    root = ElementTree.fromstring(text)
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "Topology of <script>&\"'"


def test_the_svg_loads_nothing_and_tells_itself_to_those_who_cannot_see_it() -> None:
    text = topology_svg(topology_of(make_stack(make_blueprint(FULL))))
    assert not re.search(r"script|href|url\(|@import|on\w+=", text)
    assert text.count("http") == text.count("http://www.w3.org/2000/svg") == 1
    root = ElementTree.fromstring(text)
    assert root.attrib["role"] == "img"
    assert "mcp-main (closed) joins" in (root.findtext("{http://www.w3.org/2000/svg}desc") or "")
    assert "prefers-color-scheme: dark" in text


def test_ports_that_are_not_chosen_yet_are_told_as_ranges() -> None:
    stack = make_stack(make_blueprint(FULL))
    topology = trace_topology(stack, port_words={"orchestrator": "8080-8180"}, allowed={})
    assert topology.ports[0] == "8080-8180 everything"
    assert FACTS["main"].port is not None
    assert f"{FACTS['main'].port.first} main alone" in topology.ports


def test_without_isolation_no_allowlist_is_claimed() -> None:
    topology = replace(topology_of(make_stack(make_blueprint(FULL))), isolates=False)
    for text in (topology_text(topology, width=80), topology_svg(topology), topology_mermaid(topology)):
        assert "outside: everything" in text
        assert "is allowed" not in text
