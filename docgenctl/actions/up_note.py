"""Knowing that `up` would change nothing, without designing the stack again.

Theory of operation. The plan of `up` follows from two things: the circumstances (see `circumstances`), and
what the engine has. An `up` that ends well plans once more from what it leaves behind; if that plan is empty
and there was nothing to warn of, it notes digests of both. As long as both are the note's, the plan would be
empty again, so the next `up` only waits until the stack is healthy and calls its tools. Drift of any kind is
something the engine has, so it leads to the full way.

Not in the digest of what the engine has: what comes and goes by itself (health, restarts, times, addresses),
on which no plan depends, and the subnets of others, which are compared with ours instead. Images count by the
ids that their names lead to now. The note is derived and may be deleted; whatever is wrong with it leads to
the full way.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from docgenctl.actions.call_canaries import canaries_of, prove_canaries
from docgenctl.actions.changing import changing_state
from docgenctl.actions.circumstances import (
    circumstances_of,
    digest_of_parts,
    inputs_of,
    lies_there,
    secret_variables,
    subnets_are_free,
)
from docgenctl.actions.remember_content import observe_remembering
from docgenctl.actions.up_result import UpResult
from docgenctl.actions.wait_until_healthy import wait_until_healthy
from docgenctl.actions.watch_crashes import watch_crashes
from docgenctl.certificates.verdict import good_between
from docgenctl.endpoint.address import Endpoint
from docgenctl.files.private_files import remove_private
from docgenctl.model.observed import Health
from docgenctl.model.plan import Plan
from docgenctl.planning.drift import foreign_members
from docgenctl.planning.reconcile import plan_up
from docgenctl.state import note_file

if TYPE_CHECKING:
    from docgenctl.actions.design_stack import Design
    from docgenctl.actions.glance import Glance
    from docgenctl.actions.open_engine import WhoseStack
    from docgenctl.actions.open_project import OpenProject
    from docgenctl.engine.protocol import Engine
    from docgenctl.model.blueprint import Blueprint
    from docgenctl.model.observed import Observation
    from docgenctl.model.progress import Reporter

_FILE = "up.json"
_LAYOUT = 1


def nothing_to_bring_up(
    found: Glance, engine: Engine, reporter: Reporter, *, timeout_s: float, wait_lock_s: float
) -> UpResult | None:
    """Wait for health and prove a stack that is as the last `up` left it; None when that is not sure.

    Holds the project's lock and leaves an entry in its history, as any `up` does. Raises LockedError, and
    NotHealthyError for a stack that is as configured and does not work.
    """
    if holding_note(found, engine) is None:
        return None
    with changing_state(found.state_dir, "docgenctl up", wait_s=wait_lock_s) as change:
        change.nothing_changed()
        note = holding_note(found, engine)
        if note is None:  # somebody was at work while we waited
            return None
        endpoint = Endpoint(
            url=note["endpoint"]["url"],
            ca_file=Path(note["endpoint"]["ca_file"]),
            api_key_file=Path(note["endpoint"]["api_key_file"]),
        )
        began = time.monotonic()
        project, services = found.project.name, tuple(note["services"])
        with watch_crashes(engine, project) as crashes:
            wait_until_healthy(project, services, engine, endpoint, crashes, reporter, timeout_s=timeout_s)
            healthy_after_s = time.monotonic() - began
        proofs = prove_canaries([(tool, arguments) for tool, arguments in note["canaries"]], endpoint)
        return UpResult(
            project=project,
            services=services,
            endpoint=endpoint,
            plan=Plan(steps=()),
            ports=note["ports"],
            proofs=proofs,
            healthy_after_s=healthy_after_s,
        )


def holding_note(found: WhoseStack, engine: Engine) -> Mapping[str, Any] | None:
    """What the last `up` noted, None when anything is not as it was then."""
    note = note_file.read_note(found.state_dir / _FILE, _LAYOUT)
    return note if note is not None and _holds(note, found, engine) else None


def leave_note(
    opened: OpenProject, engine: Engine, blueprint: Blueprint, design: Design, endpoint: Endpoint
) -> None:
    """Write down what has just been brought up, within the lock; nothing when another `up` had work to do."""
    observation = observe_remembering(opened, engine)
    window = good_between(opened.state_dir)
    plan = plan_up(design.stack, observation)
    if opened.flags_given or window is None or not plan.empty or foreign_members(design.stack, observation):
        remove_private(opened.state_dir / _FILE)
        return
    variables = secret_variables(opened.facts.values(), blueprint.servers)
    output = blueprint.settings.workspace.output
    note = {
        "good": window,
        "services": design.stack.service_names,
        "ports": dict(blueprint.ports),
        "subnets": sorted(blueprint.subnets.values()),
        "canaries": canaries_of(blueprint.servers),
        "endpoint": endpoint.as_json(),
        "variables": variables,
        "files": {path: digest_of_parts([text.encode()]) for path, text in design.files.items()},
        "images": {service.image: service.image_id for service in design.stack.services},
        "output": output,
        "folders": _folders(opened.project.directory, output),
        "engine": _digest_of(observation),
        "circumstances": circumstances_of(opened, engine, variables),
        "inputs": opened.inputs,
    }
    note_file.leave_note(opened.state_dir / _FILE, _LAYOUT, note)


def _holds(note: Mapping[str, Any], found: WhoseStack, engine: Engine) -> bool:
    directory = found.project.directory
    try:
        begins, ends = note["good"]
        if not begins <= time.time() < ends or note["inputs"] != inputs_of(found):
            return False
        if note["folders"] != _folders(directory, note["output"]):
            return False
        if not all(lies_there(directory, path, told) for path, told in note["files"].items()):
            return False
        if note["circumstances"] != circumstances_of(found, engine, note["variables"]):
            return False
        if any(_image_id(engine, name) != told for name, told in note["images"].items()):
            return False
        observation = engine.observe(found.project.name)
        unchanged = note["engine"] == _digest_of(observation)
        return unchanged and subnets_are_free(note["subnets"], observation)
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def _image_id(engine: Engine, reference: str) -> str:
    image = engine.find_image(reference)
    return image.id if image else ""


def _folders(workspace: Path, output: str) -> list[str]:
    """Kind, mode and owner of the workspace and of every folder down to the output folder."""
    parts = PurePosixPath(output).parts
    places = [workspace.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]
    return [_folder(place) for place in places]


def _folder(place: Path) -> str:
    try:
        status = os.lstat(place)
    except OSError:
        return "absent"
    return f"{status.st_mode:o}:{status.st_uid}:{status.st_gid}"


def _digest_of(observation: Observation) -> str:
    return digest_of_parts(part.encode() for part in _told(observation))


def _told(observation: Observation) -> Iterator[str]:
    for container in observation.containers:
        yield repr(
            replace(
                container,
                health=Health.HEALTHY,
                exit_code=0,
                oom_killed=False,
                restarts=0,
                started_at="",
                error="",
                networks=dict.fromkeys(sorted(container.networks), ""),
                labels=dict(sorted(container.labels.items())),
                aliases={name: tuple(sorted(found)) for name, found in sorted(container.aliases.items())},
            )
        )
    for network in (*observation.networks, *observation.unlabelled_networks):
        yield repr(replace(network, labels=dict(sorted(network.labels.items()))))
    for volume in observation.volumes:
        yield repr(replace(volume, labels=dict(sorted(volume.labels.items()))))
    yield str(observation.isolates)
