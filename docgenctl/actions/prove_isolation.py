"""Prove from inside the running containers that what must not be reached cannot be.

One program runs in each of them, for all questions at once; see `docgenctl.host.reachability` for what it
does and `docgenctl.planning.isolation_proofs` for what its findings show.
"""

import json
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path

from docgenctl.actions.open_project import OpenProject
from docgenctl.engine.protocol import Engine
from docgenctl.host import reachability
from docgenctl.host.listeners import listening
from docgenctl.model.errors import EngineError
from docgenctl.model.observed import Observation, ObservedContainer
from docgenctl.model.proof import THIS_MACHINE, Address, Proof, View
from docgenctl.planning.assemble_stack import EGRESS_NETWORK, FRONTEND
from docgenctl.planning.isolation_proofs import ask, attempts, judge
from docgenctl.planning.resolve_servers import resolve_servers

_PYTHON = "/opt/docgen/venv/bin/python"
_WITHOUT_PYTHON = ("gateway", "valkey")
#: What can be run in those. Prints number and outcome of each address; refusals are answers too.
_BASH = """
i=0
for target in "$@"; do
  (said=$(timeout 0.4 bash -c "exec 3<>/dev/tcp/${target%:*}/${target##*:}" 2>&1) && echo "$i connected" ||
    case $said in *refused*) echo "$i refused" ;; esac) &
  i=$((i + 1))
done
wait
"""


def prove_isolation(opened: OpenProject, engine: Engine) -> tuple[Proof, ...]:
    """Every proof there is for the running stack, sorted by service; none where the engine does not isolate.

    A service that does not run cannot be looked out of, and its proofs are not proved. Raises EngineError
    when the engine cannot say what runs.
    """
    if not engine.info().isolates:
        return ()
    observation = engine.observe(opened.project.name)
    names = [server.name for server in resolve_servers(opened.configuration.settings, opened.facts)]
    servers = {name: _addresses(observation.container(name)) for name in names}
    with listening(_bridges(observation)) as listeners:
        outside = _outside(opened.configuration.settings.proofs.outside)
        store = _addresses(observation.container("valkey"))
        questions = ask(servers, listeners, outside, store)
        wanted = attempts(questions)
        with ThreadPoolExecutor(max(1, len(wanted)), thread_name_prefix="prove") as pool:
            seen = pool.map(lambda place: _look(place, wanted[place], observation, engine), wanted)
            views = dict(zip(wanted, seen, strict=True))
    return tuple(judge(question, views) for question in questions)


def _addresses(container: ObservedContainer | None) -> tuple[str, ...]:
    return tuple(sorted(address for address in container.networks.values() if address)) if container else ()


def _bridges(observation: Observation) -> tuple[str, ...]:
    """Addresses that this machine has on the stack's open networks, the nearest ones to any container."""
    open_networks = tuple(f"_{key}" for key in (FRONTEND, EGRESS_NETWORK))
    return tuple(
        str(IPv4Network(network.subnet)[1])
        for network in observation.networks
        if network.subnet and network.name.endswith(open_networks)
    )


def _outside(targets: Sequence[str]) -> tuple[Address, ...]:
    """The configured targets by address: outside names mean nothing inside."""
    found: list[Address] = []
    for target in targets:
        host, _, port = target.rpartition(":")
        try:
            known = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
        except OSError:
            found.append((host.strip("[]"), int(port)))  # its control fails, and says so
            continue
        found += [(str(address[4][0]), int(port)) for address in known[:1]]
    return tuple(found)


def _look(place: str, wanted: Mapping[Address, bool], observation: Observation, engine: Engine) -> View:
    targets = [(host, port, expected) for (host, port), expected in wanted.items()]
    if place == THIS_MACHINE:
        return _view(wanted, reachability.look(targets))
    container = observation.container(place)
    if container is None or container.state != "running":
        return View(error=f"{place} does not run")
    try:
        if place in _WITHOUT_PYTHON:
            return _look_with_bash(container, wanted, engine)
        source = Path(reachability.__file__).read_text(encoding="utf-8")
        command = (_PYTHON, "-I", "-S", "-c", source, json.dumps(targets))
        ran = engine.execute(container.id, command)
    except EngineError as error:
        return View(error=error.message)
    try:
        return _view(wanted, json.loads(ran.output))
    except (ValueError, KeyError, TypeError):
        return View(error=f"the check inside {place} ended with {ran.exit_code}: {ran.output.strip()[-200:]}")


def _look_with_bash(container: ObservedContainer, wanted: Mapping[Address, bool], engine: Engine) -> View:
    addresses = list(wanted)
    places = tuple(f"{host}:{port}" for host, port in addresses)
    ran = engine.execute(container.id, ("bash", "-c", _BASH, "look", *places))
    found = dict.fromkeys(addresses, reachability.SILENT)
    for line in ran.output.splitlines():
        number, _, word = line.partition(" ")
        if number.isdigit() and int(number) < len(addresses):
            found[addresses[int(number)]] = word
    return View(found=found)


def _view(wanted: Mapping[Address, bool], seen: Mapping[str, list[str]]) -> View:
    return View(found=dict(zip(wanted, seen["found"], strict=True)), ways_out=tuple(seen["ways_out"]))
