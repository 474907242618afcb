"""Which small subnet each network of the stack gets."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network

from docgenctl.model.errors import SubnetTakenError

#: 16 addresses: the bridge's, the broadcast's, and room for a dozen containers.
PREFIX_LENGTH = 28


def choose_subnets(
    pools: Mapping[str, IPv4Network],
    remembered: Mapping[str, str],
    taken: Iterable[IPv4Network],
) -> dict[str, str]:
    """One /28 for each network key from its pool: the remembered one if still free, else the first free.

    `taken` are networks of other stacks and of the host; those of our own stack are not among them.
    Raises SubnetTakenError when a pool has no room left.
    """
    busy = list(taken)
    chosen: dict[str, str] = {}
    for key in sorted(pools.keys() & remembered.keys()):
        kept = IPv4Network(remembered[key])
        if kept.subnet_of(pools[key]) and not any(kept.overlaps(other) for other in busy):
            chosen[key] = str(kept)
            busy.append(kept)
    for key in sorted(pools.keys() - chosen.keys()):
        subnet = _first_free(pools[key], busy)
        if subnet is None:
            raise SubnetTakenError(
                f"no free /{PREFIX_LENGTH} left in {pools[key]} for {key}",
                subnet=str(pools[key]),
                hint="give a larger pool in docgen.yaml under networks, or remove stacks that are not used",
            )
        chosen[key] = str(subnet)
        busy.append(subnet)
    return chosen


def _first_free(pool: IPv4Network, busy: list[IPv4Network]) -> IPv4Network | None:
    blocking = [network for network in busy if network.overlaps(pool)]
    for subnet in pool.subnets(new_prefix=PREFIX_LENGTH):
        if not any(subnet.overlaps(network) for network in blocking):
            return subnet
    return None
