"""Which bases the images would be built from, as far as that can be known without fetching anything."""

from dataclasses import dataclass

from docgenctl.actions.cache import cache_directory
from docgenctl.actions.choose_bases import MADE_HERE, Bases, immutable_reference
from docgenctl.actions.open_project import OpenProject
from docgenctl.engine.protocol import Engine
from docgenctl.images.base_image import find_base
from docgenctl.state.store import StateStore


@dataclass(frozen=True, kw_only=True)
class ForeseenBases:
    """The bases, and the configured names of those that would have to be fetched or made first.

    `bases` holds their configured names then, so what is built on them gets a tag of its own.
    """

    bases: Bases
    to_fetch: tuple[str, ...]


def foresee_bases(
    opened: OpenProject, engine: Engine | None, architecture: str, *, shared_limits: bool = False
) -> ForeseenBases:
    """The bases that `choose_bases` would take; pulls, makes and remembers nothing.

    Without an engine, what is pinned counts as there.
    """
    images = opened.configuration.settings.images
    pinned = StateStore(opened.state_dir).read().pinned_images
    made = find_base(cache_directory(opened.environ), architecture)
    to_fetch: list[str] = []

    def foreseen(configured: str) -> tuple[str, bool]:
        pin = pinned.get(configured)
        if pin == MADE_HERE:
            if made is not None and (engine is None or engine.find_image(made.reference)):
                return made.reference, True
        elif pin and (engine is None or engine.find_image(pin)):
            return pin, False
        else:
            image = engine.find_image(configured) if engine else None
            if image is not None:
                return immutable_reference(image, configured), False
        to_fetch.append(configured)
        return configured, False

    entries = opened.configuration.settings.servers.items()
    wanted = {name: entry.reference for name, entry in entries if entry.enabled and entry.reference}
    server, _ = foreseen(images.base)
    gateway, gateway_made = foreseen(images.gateway)
    egress, egress_made = foreseen(images.egress)
    valkey, valkey_made = foreseen(images.valkey) if shared_limits else ("", False)
    return ForeseenBases(
        bases=Bases(
            server=server,
            gateway=gateway,
            egress=egress,
            gateway_debs=made.gateway_debs if made and gateway_made else None,
            egress_debs=made.egress_debs if made and egress_made else None,
            valkey=valkey,
            valkey_debs=made.valkey_debs if made and valkey_made else None,
            origins={name: foreseen(reference)[0] for name, reference in wanted.items()},
        ),
        to_fetch=tuple(dict.fromkeys(to_fetch)),
    )
