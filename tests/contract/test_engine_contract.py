"""What every engine promises: the same sentences for the fake and for Docker."""

import threading
import uuid
from dataclasses import replace

import pytest

from docgenctl.model.errors import BuildError, EngineError, PortTakenError, SubnetTakenError
from docgenctl.model.observed import Health
from docgenctl.model.stack import (
    LABEL_SPEC_DIGEST,
    Attachment,
    Network,
    VolumeContent,
    VolumeMount,
    VolumePurpose,
)
from docgenctl.planning.drift import container_drift, limits_drift, network_drift
from tests.contract.laboratory import (
    ASKS,
    CRASHES,
    PRINTS,
    SICKENS,
    Laboratory,
    free_port,
    published,
    until,
)

pytestmark = pytest.mark.timeout(90)


# -- the life of a container ---------------------------------------------------------------------
def test_a_container_is_created_started_stopped_and_removed(laboratory: Laboratory) -> None:
    project = laboratory.project("life")
    service = laboratory.service(project)
    stack = laboratory.stack(project, service)
    engine = laboratory.engine

    container_id = engine.create_container(service, stack)
    created = laboratory.seen(container_id)
    assert (created.state, created.started_at, created.service) == ("created", "", "one")
    engine.start_container(container_id)
    running = laboratory.seen(container_id)
    assert running.state == "running"
    assert running.started_at.endswith("Z")
    assert running.networks[f"{project}_a"]
    assert running.labels[LABEL_SPEC_DIGEST] == service.digest
    assert (running.image, running.image_id) == (laboratory.image, laboratory.image_id)
    engine.stop_container(container_id, 2)
    assert laboratory.seen(container_id).state == "exited"
    engine.remove_container(container_id)
    assert engine.inspect(container_id) is None


def test_stopping_and_removing_again_succeeds(laboratory: Laboratory) -> None:
    project = laboratory.project("again")
    service = laboratory.service(project)
    volume = laboratory.volume(project)
    stack = laboratory.stack(project, service, volumes=(volume,))
    engine = laboratory.engine
    container_id = laboratory.run(service, stack)

    for _ in range(2):
        engine.stop_container(container_id, 1)
    for _ in range(2):
        engine.remove_container(container_id)
        engine.stop_container(container_id, 1)
    for _ in range(2):
        engine.remove_network(stack.networks[0].name)
        engine.remove_volume(volume.name)
    seen = engine.observe(project)
    assert (seen.containers, seen.networks, seen.volumes) == ((), (), ())


def test_starting_what_runs_succeeds(laboratory: Laboratory) -> None:
    project = laboratory.project("twice")
    service = laboratory.service(project)
    container_id = laboratory.run(service, laboratory.stack(project, service))
    before = laboratory.seen(container_id).started_at
    laboratory.engine.start_container(container_id)
    assert laboratory.seen(container_id).started_at == before


def test_a_restart_keeps_the_container(laboratory: Laboratory) -> None:
    project = laboratory.project("restart")
    service = laboratory.service(project)
    container_id = laboratory.run(service, laboratory.stack(project, service))
    before = laboratory.seen(container_id).started_at
    laboratory.engine.restart_container(container_id, 1)
    after = laboratory.seen(container_id)
    assert (after.state, after.id) == ("running", container_id)
    assert after.started_at > before


def test_starting_what_is_gone_is_an_error(laboratory: Laboratory) -> None:
    with pytest.raises(EngineError, match="No such container"):
        laboratory.engine.start_container("f" * 64)


def test_a_second_container_of_the_same_name_is_refused(laboratory: Laboratory) -> None:
    project = laboratory.project("name")
    service = laboratory.service(project)
    stack = laboratory.stack(project, service)
    laboratory.engine.create_container(service, stack)
    with pytest.raises(EngineError, match="already in use"):
        laboratory.engine.create_container(service, stack)
    assert len(laboratory.engine.observe(project).containers) == 1


def test_a_container_that_cannot_be_created_leaves_nothing(laboratory: Laboratory) -> None:
    project = laboratory.project("half")
    places = (Attachment(network="a"), Attachment(network="gone"))
    service = laboratory.service(project, networks=places)
    stack = laboratory.stack(project, service)
    gone = Network(key="gone", name=f"{project}_gone", subnet="10.214.0.0/28", closed=True)
    broken = laboratory.stack(project, service, networks=(*stack.networks, gone))
    with pytest.raises(EngineError, match="not found"):
        laboratory.engine.create_container(service, broken)
    assert laboratory.engine.observe(project).containers == ()


def test_an_unknown_image_is_an_error(laboratory: Laboratory) -> None:
    project = laboratory.project("image")
    service = laboratory.service(project, image="docgenctl-test/none:1", image_id="")
    with pytest.raises(EngineError, match="No such image"):
        laboratory.engine.create_container(service, laboratory.stack(project, service))


# -- projects ------------------------------------------------------------------------------------
def test_projects_whose_names_begin_alike_are_never_mixed(laboratory: Laboratory) -> None:
    app = laboratory.project("app")
    app2 = laboratory.project("2", app)
    stacks = {}
    for project in (app, app2):
        service = laboratory.service(project)
        volume = laboratory.volume(project)
        stacks[project] = laboratory.stack(project, service, volumes=(volume,))
        laboratory.engine.create_container(service, stacks[project])
    seen = laboratory.engine.observe(app)
    assert [c.name for c in seen.containers] == [f"{app}-one-1"]
    assert [n.name for n in seen.networks] == [f"{app}_a"]
    assert [v.name for v in seen.volumes] == [f"{app}_config"]
    assert stacks[app2].networks[0].subnet in seen.foreign_subnets
    assert stacks[app].networks[0].subnet not in seen.foreign_subnets


def test_a_project_of_another_directory_is_reported(laboratory: Laboratory) -> None:
    project = laboratory.project("elsewhere")
    service = laboratory.service(project)
    stack = laboratory.stack(project, service, workspace="/another/directory")
    laboratory.engine.create_container(service, stack)
    container = laboratory.engine.observe(project).container("one")
    assert container is not None
    assert container.labels["com.docker.compose.project.working_dir"] == "/another/directory"


# -- ports ---------------------------------------------------------------------------------------
def test_a_port_held_by_a_process_is_told_and_the_container_starts_once_it_is_free(
    laboratory: Laboratory,
) -> None:
    project = laboratory.project("port")
    with laboratory.held_port() as port:
        service = laboratory.service(project, ports=published(port))
        stack = laboratory.stack(project, service, closed=False)
        container_id = laboratory.engine.create_container(service, stack)
        with pytest.raises(PortTakenError) as caught:
            laboratory.engine.start_container(container_id)
        assert (caught.value.host_port, caught.value.code) == (port, "port_taken")
        assert laboratory.seen(container_id).state == "created"
    laboratory.engine.start_container(container_id)
    assert [p.host_port for p in laboratory.seen(container_id).ports] == [port]


def test_a_port_held_by_another_container_is_told(laboratory: Laboratory) -> None:
    project, port = laboratory.project("ports"), free_port()
    first = laboratory.service(project, "first", ports=published(port))
    second = laboratory.service(project, "second", ports=published(port))
    stack = laboratory.stack(project, first, second, closed=False)
    holder = laboratory.run(first, stack)
    container_id = laboratory.engine.create_container(second, stack)
    with pytest.raises(PortTakenError) as caught:
        laboratory.engine.start_container(container_id)
    assert caught.value.host_port == port
    laboratory.engine.stop_container(holder, 1)
    laboratory.engine.start_container(container_id)
    assert laboratory.seen(container_id).state == "running"


# -- networks ------------------------------------------------------------------------------------
def test_an_overlapping_subnet_is_told(laboratory: Laboratory) -> None:
    project = laboratory.project("subnet")
    stack = laboratory.stack(project)
    taken = stack.networks[0].subnet
    again = Network(key="b", name=f"{project}_b", subnet=taken, closed=True)
    with pytest.raises(SubnetTakenError) as caught:
        laboratory.engine.create_network(again, stack)
    assert caught.value.subnet == taken
    assert [n.name for n in laboratory.engine.observe(project).networks] == [f"{project}_a"]


def test_creating_the_same_network_again_changes_nothing(laboratory: Laboratory) -> None:
    stack = laboratory.stack(laboratory.project("same"))
    before = laboratory.engine.observe(stack.project).networks
    laboratory.engine.create_network(stack.networks[0], stack)
    assert laboratory.engine.observe(stack.project).networks == before


def test_a_different_network_of_the_same_name_is_refused(laboratory: Laboratory) -> None:
    stack = laboratory.stack(laboratory.project("other"))
    other = Network(key="a", name=stack.networks[0].name, subnet="10.215.0.0/28", closed=False)
    with pytest.raises(EngineError, match="another network"):
        laboratory.engine.create_network(other, stack)


def test_an_observed_network_carries_its_subnet_and_digest(laboratory: Laboratory) -> None:
    stack = laboratory.stack(laboratory.project("digest"))
    (seen,) = laboratory.engine.observe(stack.project).networks
    assert seen.subnet == stack.networks[0].subnet
    assert seen.labels[LABEL_SPEC_DIGEST] == stack.networks[0].digest


def test_a_container_is_put_on_a_network_and_taken_off_while_it_runs(laboratory: Laboratory) -> None:
    project = laboratory.project("join")
    service = laboratory.service(project)
    stack = laboratory.stack(project, service)
    container_id = laboratory.run(service, stack)
    before = laboratory.seen(container_id)
    more = laboratory.network(stack, "b")
    joining = replace(service, networks=(*service.networks, Attachment(network="b", aliases=("here",))))
    wider = replace(stack, services=(joining,), networks=(*stack.networks, more))
    for _ in range(2):  # a command that was cut off is repeated
        laboratory.engine.connect_network(container_id, joining, "b", wider)
    joined = laboratory.seen(container_id)
    assert set(joined.networks) == {f"{project}_a", f"{project}_b"}
    assert joined.networks[f"{project}_b"]
    if joined.aliases:
        assert {"here", "one", f"{project}-one-1"} <= set(joined.aliases[f"{project}_b"])
    for _ in range(2):
        laboratory.engine.disconnect_network(container_id, f"{project}_b")
    left = laboratory.seen(container_id)
    assert set(left.networks) == {f"{project}_a"}
    assert (left.state, left.started_at) == ("running", before.started_at)


def test_a_container_outlives_the_network_that_it_was_made_on(laboratory: Laboratory) -> None:
    project = laboratory.project("moved")
    service = laboratory.service(project)
    stack = laboratory.stack(project, service)
    container_id = laboratory.run(service, stack)
    more = laboratory.network(stack, "b")
    moved = replace(service, networks=(Attachment(network="b"),))
    wider = replace(stack, services=(moved,), networks=(*stack.networks, more))
    laboratory.engine.connect_network(container_id, moved, "b", wider)
    laboratory.engine.disconnect_network(container_id, f"{project}_a")
    laboratory.engine.remove_network(f"{project}_a")
    laboratory.engine.restart_container(container_id, 1)
    after = laboratory.seen(container_id)
    assert after.state == "running"
    assert set(after.networks) == {f"{project}_b"}


def test_connecting_to_a_network_that_is_not_there_is_an_error(laboratory: Laboratory) -> None:
    project = laboratory.project("nowhere")
    service = laboratory.service(project, networks=(Attachment(network="a"), Attachment(network="b")))
    stack = laboratory.stack(project, replace(service, networks=service.networks[:1]))
    container_id = laboratory.run(stack.services[0], stack)
    gone = Network(key="b", name=f"{project}_b", subnet="10.214.0.0/28", closed=True)
    with pytest.raises(EngineError, match="not found"):
        laboratory.engine.connect_network(
            container_id, service, "b", replace(stack, networks=(*stack.networks, gone))
        )


def test_disconnecting_what_is_gone_succeeds(laboratory: Laboratory) -> None:
    laboratory.engine.disconnect_network("f" * 64, "nothing")


# -- health, crashes, events ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("command", "health"), [(("sleep", "3600"), Health.HEALTHY), (SICKENS, Health.UNHEALTHY)]
)
def test_health_is_told_by_events_and_by_inspection(
    laboratory: Laboratory, command: tuple[str, ...], health: Health
) -> None:
    project = laboratory.project("health")
    service = laboratory.service(project, command=command)
    stack = laboratory.stack(project, service)
    with laboratory.engine.events(project) as events:
        container_id = laboratory.run(service, stack)
        started, checked = until(events, "start"), until(events, "health")
    assert (started.container_id, started.service) == (container_id, "one")
    assert checked.health is health
    assert laboratory.seen(container_id).health is health


def test_a_crash_at_start_is_told_with_exit_code_and_last_lines(laboratory: Laboratory) -> None:
    project = laboratory.project("crash")
    service = laboratory.service(project, command=CRASHES)
    stack = laboratory.stack(project, service)
    with laboratory.engine.events(project) as events:
        container_id = laboratory.run(service, stack)
        assert until(events, "die").exit_code == 3
    container = laboratory.seen(container_id)
    assert (container.state, container.exit_code, container.health) == ("exited", 3, Health.UNHEALTHY)
    lines = list(laboratory.engine.logs(container, tail=20, follow=False))
    assert [(line.stream, line.text) for line in lines] == [
        ("stdout", "starting"),
        ("stderr", "cannot go on"),
    ]


def test_events_of_other_projects_are_not_heard(laboratory: Laboratory) -> None:
    mine, others = laboratory.project("mine"), laboratory.project("others")
    for project in (others, mine):
        service = laboratory.service(project)
        stack = laboratory.stack(project, service)
        if project == others:
            theirs = (service, stack)
    with laboratory.engine.events(mine) as events:
        laboratory.run(*theirs)
        container_id = laboratory.run(service, stack)
        assert next(events).container_id == container_id


def test_leaving_the_events_ends_the_iterator_of_another_thread(laboratory: Laboratory) -> None:
    with laboratory.engine.events(laboratory.project("leave")) as events:
        listener = threading.Thread(target=lambda: list(events))
        listener.start()
    listener.join(5)
    assert not listener.is_alive()


def test_a_removed_container_says_goodbye(laboratory: Laboratory) -> None:
    project = laboratory.project("goodbye")
    service = laboratory.service(project)
    container_id = laboratory.run(service, laboratory.stack(project, service))
    with laboratory.engine.events(project) as events:
        laboratory.engine.remove_container(container_id)
        assert until(events, "destroy").container_id == container_id


# -- output, measures, commands ------------------------------------------------------------------
def test_logs_come_in_order_with_stream_time_and_tail(laboratory: Laboratory) -> None:
    project = laboratory.project("logs")
    service = laboratory.service(project, command=PRINTS)
    container_id = laboratory.run(service, laboratory.stack(project, service))
    following = laboratory.engine.logs(laboratory.seen(container_id), tail=None, follow=True)
    lines = [next(following) for _ in range(3)]
    following.close()  # type: ignore[attr-defined]
    assert [(line.service, line.stream, line.text) for line in lines] == [
        ("one", "stdout", "one"),
        ("one", "stderr", "two"),
        ("one", "stdout", "three"),
    ]
    assert lines[0].time < lines[1].time < lines[2].time
    container = laboratory.seen(container_id)
    last = list(laboratory.engine.logs(container, tail=1, follow=False))
    assert [line.text for line in last] == ["three"]
    late = list(laboratory.engine.logs(container, tail=None, follow=False, since=lines[1].time))
    assert [line.text for line in late] == ["two", "three"]


def test_following_logs_ends_with_the_container(laboratory: Laboratory) -> None:
    project = laboratory.project("follow")
    service = laboratory.service(project, command=CRASHES)
    container_id = laboratory.run(service, laboratory.stack(project, service))
    lines = laboratory.engine.logs(laboratory.seen(container_id), tail=None, follow=True)
    assert [line.text for line in lines] == ["starting", "cannot go on"]


def test_logs_of_a_removed_container_are_empty(laboratory: Laboratory) -> None:
    project = laboratory.project("nologs")
    service = laboratory.service(project)
    container_id = laboratory.run(service, laboratory.stack(project, service))
    container = laboratory.seen(container_id)
    laboratory.engine.remove_container(container_id)
    assert list(laboratory.engine.logs(container, tail=None, follow=False)) == []


def test_stats_stay_within_the_limits(laboratory: Laboratory) -> None:
    project = laboratory.project("stats")
    service = laboratory.service(project)
    container_id = laboratory.run(service, laboratory.stack(project, service))
    stats = laboratory.engine.stats(container_id)
    assert 0 < stats.memory_bytes < stats.memory_limit_bytes == service.limits.memory_bytes
    assert 1 <= stats.pids <= service.limits.pids
    assert 0 <= stats.cpu_percent <= 150


def test_a_command_inside_gives_its_output_and_exit_code(laboratory: Laboratory) -> None:
    project = laboratory.project("exec")
    service = laboratory.service(project)
    container_id = laboratory.run(service, laboratory.stack(project, service))
    result = laboratory.engine.execute(container_id, ASKS)
    assert (result.exit_code, result.output) == (4, "said\n")
    laboratory.engine.stop_container(container_id, 1)
    with pytest.raises(EngineError, match="not running"):
        laboratory.engine.execute(container_id, ASKS)


# -- volumes -------------------------------------------------------------------------------------
def test_a_volume_is_filled_again_and_again(laboratory: Laboratory) -> None:
    project = laboratory.project("fill")
    volume = laboratory.volume(project, VolumePurpose.CONFIG)
    laboratory.stack(project, volumes=(volume,))
    for version in ("1" * 64, "1" * 64, "2" * 64, "1" * 64):
        content = VolumeContent(volume=volume.key, version=version, files={"server.json": b"{}"})
        laboratory.engine.fill_volume(content, volume, laboratory.image)
    assert [v.name for v in laboratory.engine.observe(project).volumes] == [volume.name]


def test_a_volume_in_use_cannot_be_removed(laboratory: Laboratory) -> None:
    project = laboratory.project("used")
    volume = laboratory.volume(project)
    mounts = (VolumeMount(volume=volume.key, target="/etc/config", read_only=True),)
    service = laboratory.service(project, volumes=mounts)
    stack = laboratory.stack(project, service, volumes=(volume,))
    container_id = laboratory.engine.create_container(service, stack)
    with pytest.raises(EngineError, match="in use"):
        laboratory.engine.remove_volume(volume.name)
    laboratory.engine.remove_container(container_id)
    laboratory.engine.remove_volume(volume.name)
    assert laboratory.engine.observe(project).volumes == ()


# -- images --------------------------------------------------------------------------------------
def test_a_build_tells_its_lines_and_is_found_by_label(laboratory: Laboratory) -> None:
    reference, mark = f"docgenctl-test/built:{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    lines: list[str] = []
    context = laboratory.context(f"echo hello-{mark}")
    try:
        image = laboratory.engine.build_image(context, reference, {"test.mark": mark}, lines.append)
        assert f"hello-{mark}" in lines
        assert image.labels["test.mark"] == mark
        assert reference in image.references
        (found,) = laboratory.engine.list_images(f"test.mark={mark}")
        assert found.id == image.id
        assert laboratory.engine.find_image(reference) == laboratory.engine.find_image(image.id)
    finally:
        laboratory.engine.remove_image(reference)
    assert laboratory.engine.find_image(reference) is None
    laboratory.engine.remove_image(reference)


def test_a_failing_build_carries_its_last_lines(laboratory: Laboratory) -> None:
    context = laboratory.context("echo before the end && false")
    with pytest.raises(BuildError) as caught:
        laboratory.engine.build_image(context, "docgenctl-test/failing:1", {}, lambda line: None)
    assert "non-zero code: 1" in caught.value.message
    assert "before the end" in caught.value.details
    assert len(caught.value.details) <= 30
    assert laboratory.engine.find_image("docgenctl-test/failing:1") is None


def test_an_unknown_image_is_not_found(laboratory: Laboratory) -> None:
    assert laboratory.engine.find_image("docgenctl-test/unknown:1") is None


def test_an_image_that_no_registry_gives_is_a_pull_failure(laboratory: Laboratory) -> None:
    with pytest.raises(EngineError) as caught:
        laboratory.engine.pull_image("127.0.0.1:9/docgenctl-test/none:1", lambda line: None)
    assert caught.value.code == "pull_failed"


def test_the_engine_says_what_it_is(laboratory: Laboratory) -> None:
    info = laboratory.engine.info()
    assert info.api_version
    assert info.cpus >= 1
    assert info.source


def test_the_inventory_holds_everything_with_its_project(laboratory: Laboratory) -> None:
    project = laboratory.project("list")
    service = laboratory.service(project, ports=published(free_port()))
    volume = laboratory.volume(project)
    stack = laboratory.stack(project, service, volumes=(volume,), closed=False)
    container_id = laboratory.run(service, stack)

    inventory = laboratory.engine.inventory()

    (container,) = (each for each in inventory.containers if each.project == project)
    assert (container.id, container.state, container.project_id) == (
        container_id,
        "running",
        stack.project_id,
    )
    assert [port.host_port for port in container.ports] == [port.host_port for port in service.ports]
    assert container.directory == stack.workspace
    (network,) = (each for each in inventory.networks if each.project == project)
    assert network.subnets == (stack.networks[0].subnet,)
    assert [each.name for each in inventory.volumes if each.project == project] == [volume.name]
    assert all(each.ours for each in (container, network))


def test_the_engine_reports_the_versions_of_its_parts(laboratory: Laboratory) -> None:
    assert laboratory.engine.report().components["engine"]


# -- what was changed by hand --------------------------------------------------------------------
def test_limits_restart_policy_and_names_are_observed_as_they_were_asked_for(laboratory: Laboratory) -> None:
    if not laboratory.engine.info().isolates:
        pytest.skip("an engine without containers has no limits to observe")
    project = laboratory.project("limits")
    service = laboratory.service(project)
    stack = laboratory.stack(project, service)
    container_id = laboratory.run(service, stack)
    seen = laboratory.seen(container_id)
    assert container_drift(service, stack, seen) is None
    assert limits_drift(service, seen) is None
    network = next(n for n in laboratory.engine.observe(project).networks if n.name == f"{project}_a")
    assert network_drift(stack.networks[0], network) is None


def test_limits_are_changed_while_it_runs(laboratory: Laboratory) -> None:
    if not laboratory.engine.info().isolates:
        pytest.skip("an engine without containers has no limits to change")
    project = laboratory.project("update")
    service = laboratory.service(project)
    container_id = laboratory.run(service, laboratory.stack(project, service))
    before = laboratory.seen(container_id)
    limits = replace(service.limits, memory_bytes=service.limits.memory_bytes // 2)
    laboratory.engine.update_container(container_id, replace(service, limits=limits, restart="no"))
    after = laboratory.seen(container_id)
    assert (after.limits, after.restart) == (limits, "no")
    assert (after.state, after.started_at) == ("running", before.started_at)
