"""docs/doctor.md against the catalogue of checks and the table of holes."""

from docgenctl.actions.doctor.catalogue import CHECKS
from docgenctl.planning.known_holes import HOLES

from .documents import read, section, table


def test_every_check_is_documented_in_the_order_of_the_catalogue() -> None:
    rows = table(section(read("doctor.md"), "## Checks"))
    told = [(row[0].strip("`"), row[1]) for row in rows]
    assert told == [(f"{c.area}/{c.name}", c.expects) for c in CHECKS]


def test_every_known_hole_is_documented_with_its_repair_and_source() -> None:
    rows = table(section(read("doctor.md"), "## Known holes"))
    told = [(row[0], row[1], row[3], row[4]) for row in rows]
    assert told == [
        (h.id, h.component, ", ".join(".".join(map(str, v)) for v in h.fixed), h.source) for h in HOLES
    ]
