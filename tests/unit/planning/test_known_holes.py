import pytest

from docgenctl.planning.known_holes import HOLES, known_holes, parse_version, too_old


def ids(component: str, version: str, *, firewalld: bool = False) -> set[str]:
    return {hole.id for hole in known_holes(component, version, firewalld=firewalld)}


@pytest.mark.parametrize(
    ("text", "number"),
    [("20.10.24+dfsg1", (20, 10, 24)), ("v2.26.1-4", (2, 26, 1)), ("1.1.5~ds1", (1, 1, 5)), ("dev", ())],
)
def test_versions_are_read_as_distributions_write_them(text: str, number: tuple[int, ...]) -> None:
    assert parse_version(text) == number


def test_a_line_that_got_its_own_repair_is_repaired_from_there_on() -> None:
    assert "CVE-2024-29018" in ids("engine", "25.0.4")
    assert "CVE-2024-29018" not in ids("engine", "25.0.5")
    assert "CVE-2024-29018" in ids("engine", "24.0.9")
    assert "CVE-2024-29018" not in ids("engine", "23.0.11")
    assert "CVE-2024-29018" not in ids("engine", "26.0.0")


def test_a_hole_begins_where_it_was_made() -> None:
    assert ids("compose", "2.33.1") == set()
    assert ids("compose", "2.34.0") == {"CVE-2025-62725"}
    assert ids("compose", "2.40.2") == set()


def test_holes_of_firewalld_concern_hosts_with_firewalld() -> None:
    assert ids("engine", "28.3.2") == set()
    assert ids("engine", "28.3.2", firewalld=True) == {"CVE-2025-54388"}


def test_runc_between_its_repaired_lines_is_open() -> None:
    assert "CVE-2025-31133" in ids("runc", "1.3.2")
    assert "CVE-2025-31133" not in ids("runc", "1.2.8")
    assert ids("runc", "1.4.0") == set()


def test_what_cannot_be_read_has_no_holes_that_could_be_told() -> None:
    assert known_holes("engine", "library-import") == ()
    assert not too_old("engine", "library-import")


def test_every_hole_has_an_id_a_source_and_ascending_repairs() -> None:
    assert len({hole.id for hole in HOLES}) == len(HOLES)
    for hole in HOLES:
        assert hole.source.startswith(("GHSA-", "https://"))
        assert list(hole.fixed) == sorted(hole.fixed)
        assert not hole.what.endswith(".")
