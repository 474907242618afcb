from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgenctl.model.errors import SubnetTakenError
from docgenctl.planning.choose_subnets import PREFIX_LENGTH, choose_subnets

POOL = IPv4Network("10.213.16.0/20")
SMALL = IPv4Network("10.213.16.0/27")


def test_the_first_free_subnets_of_the_pool_are_chosen_by_name() -> None:
    chosen = choose_subnets({"b": POOL, "a": POOL}, {}, [IPv4Network("10.213.16.0/28")])
    assert chosen == {"a": "10.213.16.16/28", "b": "10.213.16.32/28"}


def test_a_remembered_subnet_is_kept_while_it_is_free() -> None:
    assert choose_subnets({"a": POOL}, {"a": "10.213.20.0/28"}, []) == {"a": "10.213.20.0/28"}


def test_a_new_network_does_not_take_away_what_another_one_remembers() -> None:
    chosen = choose_subnets({"a": POOL, "z": POOL}, {"z": "10.213.16.0/28"}, [])
    assert chosen == {"z": "10.213.16.0/28", "a": "10.213.16.16/28"}


def test_a_network_that_must_move_does_not_take_away_what_another_one_remembers() -> None:
    remembered = {"a": "10.213.16.0/28", "z": "10.213.16.16/28"}
    chosen = choose_subnets({"a": POOL, "z": POOL}, remembered, [IPv4Network("10.213.16.0/28")])
    assert chosen == {"z": "10.213.16.16/28", "a": "10.213.16.32/28"}


@pytest.mark.parametrize("taken", ["10.213.20.0/28", "10.213.20.8/29", "10.213.0.0/16", "10.213.20.4/32"])
def test_a_remembered_subnet_that_overlaps_with_something_else_is_given_up(taken: str) -> None:
    pool = IPv4Network("10.0.0.0/8")
    chosen = choose_subnets({"a": pool}, {"a": "10.213.20.0/28"}, [IPv4Network(taken)])
    assert chosen == {"a": "10.0.0.0/28"}


def test_a_remembered_subnet_outside_of_the_pool_is_given_up() -> None:
    assert choose_subnets({"a": POOL}, {"a": "192.168.0.0/28"}, []) == {"a": "10.213.16.0/28"}


def test_a_pool_without_room_is_named_together_with_the_network() -> None:
    with pytest.raises(SubnetTakenError) as caught:
        choose_subnets({"a": SMALL, "b": SMALL, "c": SMALL}, {}, [])
    assert caught.value.message == "no free /28 left in 10.213.16.0/27 for c"
    assert "networks" in caught.value.hint


def test_a_pool_of_exactly_one_subnet_is_enough_for_one_network() -> None:
    assert choose_subnets({"a": IPv4Network("10.9.9.0/28")}, {}, []) == {"a": "10.9.9.0/28"}


keys = st.sampled_from([f"k{number}" for number in range(10)])
pools = st.sampled_from([IPv4Network("10.1.0.0/24"), IPv4Network("10.1.0.0/25"), IPv4Network("10.2.0.0/26")])
subnets = st.builds(
    lambda net, prefix: IPv4Network((0x0A01_0000 + net * 8, prefix), strict=False),
    st.integers(min_value=0, max_value=40),
    st.integers(min_value=24, max_value=32),
)


@given(
    pools=st.dictionaries(keys, pools),
    remembered=st.dictionaries(keys, st.integers(0, 20).map(lambda n: f"10.1.0.{n * 12 // 16 * 16}/28")),
    taken=st.lists(subnets, max_size=4),
)
def test_subnets_are_disjoint_inside_their_pools_and_avoid_what_is_taken(
    pools: dict[str, IPv4Network], remembered: dict[str, str], taken: list[IPv4Network]
) -> None:
    try:
        chosen = choose_subnets(pools, remembered, taken)
    except SubnetTakenError:
        return
    assert set(chosen) == set(pools)
    networks = {key: IPv4Network(subnet) for key, subnet in chosen.items()}
    for key, network in networks.items():
        assert network.prefixlen == PREFIX_LENGTH
        assert network.subnet_of(pools[key])
        assert not any(network.overlaps(other) for other in taken)
    assert not any(one.overlaps(other) for one, other in combinations(networks.values(), 2))
    assert choose_subnets(pools, chosen, taken) == chosen
