"""Carry out a plan: each step is one engine call; independent steps run side by side.

Volumes that can be filled at the same time are handed to the engine together: there it is one call.

The executor decides nothing. When a step fails, steps that are already running are waited for, none is
begun, and the first failure is raised; what was done stays done, and the next plan starts from there.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from docgenctl.actions.admit import admit, drain, release
from docgenctl.actions.take_over import take_over
from docgenctl.engine.protocol import Engine, FillsTogether
from docgenctl.model.plan import Plan, Step, Verb
from docgenctl.model.progress import Reporter
from docgenctl.model.stack import Service, Stack, Volume, VolumeContent, VolumePurpose, stop_grace_s

#: The engine serialises network set-up; more than a few calls at once gain nothing.
PARALLEL_CALLS = 6

_TOPICS = {
    Verb.CREATE_NETWORK: "network",
    Verb.REMOVE_NETWORK: "network",
    Verb.CREATE_VOLUME: "volume",
    Verb.FILL_VOLUME: "volume",
    Verb.REMOVE_VOLUME: "volume",
    Verb.CREATE_CONTAINER: "service",
    Verb.START_CONTAINER: "service",
    Verb.UPDATE_CONTAINER: "service",
    Verb.CONNECT_NETWORK: "service",
    Verb.DISCONNECT_NETWORK: "service",
    Verb.RELOAD_CONTAINER: "service",
    Verb.ADMIT_CONTAINER: "service",
    Verb.DRAIN_CONTAINER: "service",
    Verb.STOP_CONTAINER: "service",
    Verb.REMOVE_CONTAINER: "service",
}


def execute_plan(
    plan: Plan,
    engine: Engine,
    reporter: Reporter,
    *,
    stack: Stack | None = None,
    contents: Mapping[str, VolumeContent] | None = None,
    taken_over: Callable[[str, str], object] | None = None,
) -> None:
    """Run all steps of the plan in dependency order.

    `stack` is needed by plans that create things, `contents` (by volume key) by plans that fill volumes;
    a volume without content only gets its owner. `taken_over` is told each container that has reloaded, by
    its id, and the content that it works with now. Raises what the engine raises, and NotHealthyError for a
    service that does not take over its new content.
    """
    _Execution(engine, reporter, stack, contents or {}, taken_over).run(plan)


@dataclass
class _Execution:
    engine: Engine
    reporter: Reporter
    stack: Stack | None
    contents: Mapping[str, VolumeContent]
    taken_over: Callable[[str, str], object] | None = None
    created: dict[str, str] = field(default_factory=dict)
    #: subject → the network that a container is put on only once it is healthy
    admitted: dict[str, str] = field(default_factory=dict)
    drained: set[str] = field(default_factory=set)

    def expect(self, plan: Plan) -> None:
        """Which containers are put on one of their networks later than they are created."""
        self.admitted = {it.subject: it.network for it in plan.steps if it.verb is Verb.ADMIT_CONTAINER}

    def run(self, plan: Plan) -> None:
        self.expect(plan)
        waiting = {step.id: step for step in plan.steps}
        volumes = frozenset(step.id for step in plan.steps if step.verb is Verb.CREATE_VOLUME)
        done: set[str] = set()
        running: dict[Future[None], tuple[Step, ...]] = {}
        failure: BaseException | None = None
        with _steps_in_parallel(self.reporter) as pool:
            while waiting or running:
                if failure is None:
                    for steps in _ready(waiting, done, volumes):
                        for step in steps:
                            del waiting[step.id]
                        running[pool.submit(self._carry_out, steps)] = steps
                if not running:
                    break
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    steps = running.pop(future)
                    failure = failure or future.exception()
                    done.update(step.id for step in steps)
        if failure is not None:
            raise failure
        if waiting:  # a plan whose needs can never be met is a bug of the planner
            raise AssertionError(f"steps that wait for each other: {sorted(waiting)}")

    def _carry_out(self, steps: tuple[Step, ...]) -> None:
        """One step, or several that fill volumes."""
        for step in steps:
            self.reporter.begin(_TOPICS[step.verb], step.subject, f"{step.verb}: {step.cause}")
        try:
            if steps[0].verb is Verb.FILL_VOLUME:
                self.fill_volumes(steps)
            else:
                _CALLS[steps[0].verb](self, steps[0])
        except BaseException:
            for step in steps:
                self.reporter.failed(_TOPICS[step.verb], step.subject, str(step.verb))
            raise
        for step in steps:
            self.reporter.done(_TOPICS[step.verb], step.subject, _DONE[step.verb])

    def wanted(self) -> Stack:
        """The stack of a plan that creates things."""
        if self.stack is None:
            raise AssertionError("a plan that creates things needs its stack")
        return self.stack

    def create_network(self, step: Step) -> None:
        stack = self.wanted()
        self.engine.create_network(stack.network(step.subject), stack)

    def create_volume(self, step: Step) -> None:
        stack = self.wanted()
        self.engine.create_volume(stack.volume(step.subject), stack)

    def fill_volumes(self, steps: tuple[Step, ...]) -> None:
        """Together where the engine gains by it."""
        stack = self.wanted()
        wanted = [stack.volume(step.subject) for step in steps]
        # Secrets first: a configuration that names one is taken over the moment it is there.
        wanted.sort(key=lambda volume: volume.purpose is not VolumePurpose.SECRETS)
        fills = [self._fill_of(volume) for volume in wanted]
        volumes = [volume for _, volume in fills]
        if isinstance(self.engine, FillsTogether):
            self.engine.fill_volumes(fills, _user_of(volumes[0], stack).image)
            return
        for content, volume in fills:
            self.engine.fill_volume(content, volume, _user_of(volume, stack).image)

    def _fill_of(self, volume: Volume) -> tuple[VolumeContent, Volume]:
        return self.contents.get(volume.key) or VolumeContent(volume=volume.key, version="", files={}), volume

    def create_container(self, step: Step) -> None:
        stack = self.wanted()
        service = stack.service(step.service)
        later = self.admitted.get(step.subject)
        service = replace(service, networks=tuple(it for it in service.networks if it.network != later))
        self.created[step.subject] = self.engine.create_container(service, stack, step.number)

    def connect_network(self, step: Step) -> None:
        stack = self.wanted()
        self.engine.connect_network(step.target, stack.service(step.service), step.network, stack)

    def admit_container(self, step: Step) -> None:
        stack = self.wanted()
        container_id = self.created[step.subject]
        admit(self.engine, stack, stack.service(step.service), container_id, step.network)

    def drain_container(self, step: Step) -> None:
        stack = self.wanted()
        drain(self.engine, stack, stack.service(step.service), step.target)
        self.drained.add(step.target)

    def remove_container(self, step: Step) -> None:
        self.engine.remove_container(step.target)
        if step.target in self.drained:
            release(self.engine, self.wanted())

    def reload_container(self, step: Step) -> None:
        stack = self.wanted()
        service = stack.service(step.service)
        volumes = (stack.volume(mount.volume) for mount in service.volumes)
        fills = [self._fill_of(volume) for volume in volumes if volume.purpose.holds_content]
        take_over(self.engine, service, step.target, fills)
        if self.taken_over is not None:
            self.taken_over(step.target, service.content)

    def start_container(self, step: Step) -> None:
        self.engine.start_container(self.created.get(step.subject) or step.target)

    def stop_container(self, step: Step) -> None:
        self.engine.stop_container(step.target, stop_grace_s(step.service))


@contextmanager
def _steps_in_parallel(reporter: Reporter) -> Iterator[ThreadPoolExecutor]:
    """A pool that is left when no step runs; an interruption begins no further one."""
    pool = ThreadPoolExecutor(PARALLEL_CALLS, thread_name_prefix="step")
    try:
        yield pool
    except KeyboardInterrupt:
        with suppress(OSError):  # the terminal may be gone
            reporter.say("Interrupted: waiting for what is under way; once more ends at once")
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _ready(waiting: Mapping[str, Step], done: set[str], volumes: frozenset[str]) -> list[tuple[Step, ...]]:
    """Steps that may begin; fillings together, once there is no volume left to be made."""
    ready = [step for step in waiting.values() if step.needs <= done]
    fillings = tuple(step for step in ready if step.verb is Verb.FILL_VOLUME)
    others: list[tuple[Step, ...]] = [(step,) for step in ready if step.verb is not Verb.FILL_VOLUME]
    return [fillings, *others] if fillings and volumes <= done else others


def _user_of(volume: Volume, stack: Stack) -> Service:
    return next(s for s in stack.services if any(mount.volume == volume.key for mount in s.volumes))


_CALLS: Mapping[Verb, Callable[[_Execution, Step], None]] = {
    Verb.CREATE_NETWORK: _Execution.create_network,
    Verb.REMOVE_NETWORK: lambda run, step: run.engine.remove_network(step.target),
    Verb.CREATE_VOLUME: _Execution.create_volume,
    Verb.REMOVE_VOLUME: lambda run, step: run.engine.remove_volume(step.target),
    Verb.CREATE_CONTAINER: _Execution.create_container,
    Verb.START_CONTAINER: _Execution.start_container,
    Verb.UPDATE_CONTAINER: lambda run, step: run.engine.update_container(
        step.target, run.wanted().service(step.service)
    ),
    Verb.CONNECT_NETWORK: _Execution.connect_network,
    Verb.DISCONNECT_NETWORK: lambda run, step: run.engine.disconnect_network(step.target, step.network),
    Verb.RELOAD_CONTAINER: _Execution.reload_container,
    Verb.ADMIT_CONTAINER: _Execution.admit_container,
    Verb.DRAIN_CONTAINER: _Execution.drain_container,
    Verb.STOP_CONTAINER: _Execution.stop_container,
    Verb.REMOVE_CONTAINER: _Execution.remove_container,
}

_DONE = {
    Verb.CREATE_NETWORK: "created",
    Verb.REMOVE_NETWORK: "removed",
    Verb.CREATE_VOLUME: "created",
    Verb.FILL_VOLUME: "filled",
    Verb.REMOVE_VOLUME: "removed",
    Verb.CREATE_CONTAINER: "created",
    Verb.START_CONTAINER: "started",
    Verb.UPDATE_CONTAINER: "limits set",
    Verb.CONNECT_NETWORK: "connected",
    Verb.DISCONNECT_NETWORK: "disconnected",
    Verb.RELOAD_CONTAINER: "reloaded",
    Verb.ADMIT_CONTAINER: "admitted",
    Verb.DRAIN_CONTAINER: "drained",
    Verb.STOP_CONTAINER: "stopped",
    Verb.REMOVE_CONTAINER: "removed",
}
