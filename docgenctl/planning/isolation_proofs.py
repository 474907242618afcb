"""Which attempts would show that the networks are closed, and what their outcome shows.

Theory of operation. That something does not answer proves little: it may be off, or the one who asks may be.
So every question carries controls that run in the same moment with the same eyes: the service must reach
what it is meant to reach, and what it must not reach must be there for somebody who may. A proof whose
control fails is not proved, never a success.

The host is tried on addresses where a listener of ours waits, so that there is something to reach. The
outside is a stranger whom nobody should have to trust or disturb; without a target in the settings it is not
tried at all. What is looked at then is whether any router of the service's routes answers for itself.
"""

from collections.abc import Mapping, Sequence

from docgenctl.model.blueprint import EGRESS_PORT, SERVER_PORT, VALKEY_PORT
from docgenctl.model.proof import THIS_MACHINE, Address, Proof, Question, Verdict, View

_EGRESS: Address = ("egress", EGRESS_PORT)
_ORCHESTRATOR: Address = ("orchestrator", SERVER_PORT)
_STORE = "valkey"
#: Both show that packets got through: somebody had to receive one to refuse it.
_ANSWERS = ("connected", "refused")


def ask(
    servers: Mapping[str, Sequence[str]],
    listeners: Sequence[Address],
    outside: Sequence[Address],
    store: Sequence[str] = (),
) -> tuple[Question, ...]:
    """All questions about a running stack.

    Args:
        servers: name of each server → its addresses on its networks.
        listeners: where this machine listens for the moment, on addresses that containers could know.
        outside: targets beyond this machine that it reaches itself; may be empty.
        store: addresses of the store of rates, empty where there is none.
    """
    questions: list[Question] = []
    for name in servers:
        alive = (name, _EGRESS)
        questions.append(_host(name, alive, listeners))
        questions += [
            _other(name, other, alive, addresses) for other, addresses in servers.items() if other != name
        ]
        if store:
            questions.append(_other(name, _STORE, alive, store, VALKEY_PORT))
        questions.append(_outside(name, alive, outside))
    if store:
        questions.append(_host(_STORE, (_STORE, _ORCHESTRATOR), listeners))
        questions.append(_other("gateway", _STORE, ("gateway", _ORCHESTRATOR), store, VALKEY_PORT))
    if servers:
        first = next(iter(servers))
        alive = ("orchestrator", (first, SERVER_PORT))
        questions += [_host("orchestrator", alive, listeners), _outside("orchestrator", alive, outside)]
    if outside:  # the gateway has routers: only a target can show that answers never find back
        controls = (("gateway", _ORCHESTRATOR), *((THIS_MACHINE, address) for address in outside))
        questions.append(
            Question(service="gateway", target="outside", tried=tuple(outside), controls=controls)
        )
    return tuple(questions)


def attempts(questions: Sequence[Question]) -> dict[str, dict[Address, bool]]:
    """What has to be tried from each place: address → whether an answer is expected."""
    wanted: dict[str, dict[Address, bool]] = {}
    for question in questions:
        for address in question.tried:
            wanted.setdefault(question.service, {}).setdefault(address, False)
        for place, address in question.controls:
            wanted.setdefault(place, {})[address] = True
    return wanted


def judge(question: Question, views: Mapping[str, View]) -> Proof:
    """What the views say to a question."""
    view = views.get(question.service, View(error="nobody looked"))
    reached = [address for address in question.tried if view.found.get(address) in _ANSWERS]
    if reached:
        verdict, detail = Verdict.REACHED, f"{question.service} reaches {_told(reached[0])}"
    elif view.error:
        verdict, detail = Verdict.NOT_PROVED, view.error
    elif failed := _failed_control(question, views):
        verdict, detail = Verdict.NOT_PROVED, failed
    elif question.by_routes and view.ways_out:
        verdict, detail = Verdict.REACHED, f"a way out answers: {', '.join(view.ways_out)}"
    else:
        verdict, detail = Verdict.BLOCKED, _why(question, view)
    return Proof(service=question.service, target=question.target, verdict=verdict, detail=detail)


def _host(name: str, alive: tuple[str, Address], listeners: Sequence[Address]) -> Question:
    there = tuple((THIS_MACHINE, address) for address in listeners)
    return Question(service=name, target="host", tried=tuple(listeners), controls=(alive, *there))


def _other(
    name: str, other: str, alive: tuple[str, Address], addresses: Sequence[str], port: int = SERVER_PORT
) -> Question:
    """By name and by address; the orchestrator must get through to the same, or the other may just be off."""
    tried = ((other, port), *((address, port) for address in addresses))
    controls = (alive, *(("orchestrator", address) for address in tried))
    return Question(service=name, target=other, tried=tried, controls=controls)


def _outside(name: str, alive: tuple[str, Address], outside: Sequence[Address]) -> Question:
    there = tuple((THIS_MACHINE, address) for address in outside)
    return Question(
        service=name, target="outside", tried=tuple(outside), controls=(alive, *there), by_routes=True
    )


def _failed_control(question: Question, views: Mapping[str, View]) -> str:
    """The first control that failed, in words; empty when all answered."""
    if not question.tried and not question.by_routes:
        return f"there is nothing of the {question.target} that could be tried"
    for place, address in question.controls:
        view = views.get(place, View(error="nobody looked"))
        found = view.found.get(address, "")
        if found != "connected":
            return f"{place} should reach {_told(address)} and does not ({found or view.error})"
    return ""


def _why(question: Question, view: View) -> str:
    seen = sorted({f"{_told(address)}: {view.found.get(address, 'silent')}" for address in question.tried})
    routes = ["no router answers"] if question.by_routes else []
    return ", ".join([*seen, *routes])


def _told(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
