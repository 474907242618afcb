from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgenctl.model.errors import PortTakenError
from docgenctl.model.ports import PortSubstitution
from docgenctl.model.setting_values import PortRange
from docgenctl.planning.choose_ports import choose_ports, find_substitutions


def ports(first: int, last: int | None = None) -> PortRange:
    return PortRange(first=first, last=last or first)


def everything(_: int) -> bool:
    return True


def all_but(*busy: int) -> Callable[[int], bool]:
    return lambda port: port not in busy


def test_the_first_free_port_of_a_range_is_chosen() -> None:
    assert choose_ports({"main": ports(3200, 3300)}, {}, all_but(3200, 3201)) == {"main": 3202}


def test_a_remembered_port_is_kept_while_it_is_free() -> None:
    assert choose_ports({"main": ports(3200, 3300)}, {"main": 3250}, everything) == {"main": 3250}


def test_a_remembered_port_that_is_taken_gives_way_to_the_first_free_one() -> None:
    assert choose_ports({"main": ports(3200, 3300)}, {"main": 3250}, all_but(3250)) == {"main": 3200}


def test_a_remembered_port_outside_of_the_range_is_forgotten() -> None:
    assert choose_ports({"main": ports(3200, 3300)}, {"main": 9000}, everything) == {"main": 3200}


def test_a_fixed_port_is_never_given_to_a_range_that_holds_it() -> None:
    wanted = {"a": ports(3200, 3300), "z": ports(3200)}
    assert choose_ports(wanted, {}, everything) == {"z": 3200, "a": 3201}


def test_a_remembered_port_does_not_take_away_a_fixed_one() -> None:
    wanted = {"a": ports(3200, 3300), "z": ports(3210)}
    assert choose_ports(wanted, {"a": 3210}, everything) == {"z": 3210, "a": 3200}


def test_two_equal_fixed_ports_leave_one_without() -> None:
    with pytest.raises(PortTakenError, match=r"no free port for b \(3200\)"):
        choose_ports({"a": ports(3200), "b": ports(3200)}, {}, everything)


def test_all_that_got_none_are_named_with_their_ranges() -> None:
    wanted = {
        "orchestrator": ports(8080, 8081),
        "main": ports(3200),
        "github": ports(3000, 3100),
    }
    with pytest.raises(PortTakenError) as caught:
        choose_ports(wanted, {}, all_but(8080, 8081, 3200))
    assert caught.value.message == "no free port for main (3200), orchestrator (8080-8081)"
    assert caught.value.hint
    assert caught.value.host_port == 3200


def test_four_hundred_purposes_over_half_taken_ports_get_four_hundred_different_ones() -> None:
    wanted = {f"p{number:03}": ports(20_000, 20_799) for number in range(400)}
    chosen = choose_ports(wanted, {}, lambda port: port % 2 == 0)
    assert sorted(chosen.values()) == list(range(20_000, 20_800, 2))
    with pytest.raises(PortTakenError, match="p400"):
        choose_ports(wanted | {"p400": ports(20_000, 20_799)}, {}, lambda port: port % 2 == 0)


ranges = st.builds(
    lambda first, length: ports(first, first + length),
    st.integers(min_value=1000, max_value=1030),
    st.integers(min_value=0, max_value=30),
)
purposes = st.sampled_from([f"p{number}" for number in range(8)])


@given(
    wanted=st.dictionaries(purposes, ranges),
    remembered=st.dictionaries(purposes, st.integers(min_value=990, max_value=1070)),
    busy=st.frozensets(st.integers(min_value=1000, max_value=1060)),
)
def test_no_port_is_given_twice_and_none_that_is_taken_or_out_of_range(
    wanted: dict[str, PortRange], remembered: dict[str, int], busy: frozenset[int]
) -> None:
    try:
        chosen = choose_ports(wanted, remembered, lambda port: port not in busy)
    except PortTakenError:
        return
    assert set(chosen) == set(wanted)
    assert len(set(chosen.values())) == len(chosen)
    for purpose, port in chosen.items():
        assert wanted[purpose].first <= port <= wanted[purpose].last
        assert port not in busy


@given(wanted=st.dictionaries(purposes, ranges), busy=st.frozensets(st.integers(1000, 1060)))
def test_choosing_again_with_what_was_chosen_changes_nothing(
    wanted: dict[str, PortRange], busy: frozenset[int]
) -> None:
    try:
        chosen = choose_ports(wanted, {}, lambda port: port not in busy)
    except PortTakenError:
        return
    assert choose_ports(wanted, chosen, lambda port: port not in busy) == chosen


def test_a_first_choice_that_somebody_holds_is_a_substitution() -> None:
    wanted = {"main": ports(3200, 3300)}
    assert find_substitutions(wanted, {}, {"main": 3201}) == (
        PortSubstitution(purpose="main", port=3201, instead_of=3200, remembered=False),
    )
    assert find_substitutions(wanted, {"main": 3250}, {"main": 3200}) == (
        PortSubstitution(purpose="main", port=3200, instead_of=3250, remembered=True),
    )


def test_a_remembered_port_that_is_kept_is_none() -> None:
    assert find_substitutions({"main": ports(3200, 3300)}, {"main": 3250}, {"main": 3250}) == ()


def test_a_port_given_to_another_purpose_is_told_as_such() -> None:
    wanted = {"a": ports(3200, 3300), "b": ports(3200, 3300)}
    (found,) = find_substitutions(wanted, {}, choose_ports(wanted, {}, everything))
    assert (found.purpose, found.port, found.beside) == ("b", 3201, "a")


def test_an_exhausted_range_says_what_was_tried() -> None:
    with pytest.raises(PortTakenError) as caught:
        choose_ports({"main": ports(3200, 3203), "github": ports(3000)}, {}, all_but(*range(3200, 3204)))
    assert caught.value.tried == {"main": (3200, 3203)}
