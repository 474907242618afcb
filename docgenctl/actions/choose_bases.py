"""Pin the base images: to a digest at the first pull, or to a base made from Debian packages.

What was pinned stays pinned, in the project's state, until somebody changes the setting: a tag that moves
must not change a stack behind its owner's back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from docgenctl.actions.open_project import OpenProject
from docgenctl.engine.protocol import Engine
from docgenctl.images.base_image import PYTHON, BaseFiles, find_base, make_base
from docgenctl.model.errors import ConfigurationError, EngineError
from docgenctl.model.observed import ObservedImage
from docgenctl.model.progress import Reporter
from docgenctl.state.store import StateStore

#: In the place of a pin: no registry gave it, the base made from Debian packages stands in.
MADE_HERE = "made-here"


@dataclass(frozen=True, kw_only=True)
class Bases:
    """What the images are built from: references that cannot move, and packages where a base lacks them.

    `valkey` is empty where there is no store of rates. `origins` maps servers to the images of others that
    they come from.
    """

    server: str
    gateway: str
    egress: str
    gateway_debs: Path | None = None
    egress_debs: Path | None = None
    valkey: str = ""
    valkey_debs: Path | None = None
    origins: Mapping[str, str] = field(default_factory=dict)


def choose_bases(
    opened: OpenProject,
    engine: Engine,
    cache_dir: Path,
    reporter: Reporter,
    *,
    shared_limits: bool = False,
    pull: bool = False,
) -> Bases:
    """The bases of this project's images, pulled or made if need be.

    `shared_limits` asks for that of the store of rates too. `pull` forgets what was pinned and asks the
    registries again. Raises EngineError (`pull_failed`) when one cannot be had and `images/fallback` is off.
    """
    images = opened.configuration.settings.images
    pins = Pins(opened.state_dir, engine, reporter)
    wanted = [images.base, images.gateway, images.egress, *([images.valkey] if shared_limits else [])]
    if pull:
        pins.forget(tuple(wanted))
    # Two of them may be one, and then one pull is enough.
    chosen = {configured: pins.pinned(configured) for configured in dict.fromkeys(wanted)}
    server, gateway, egress = chosen[images.base], chosen[images.gateway], chosen[images.egress]
    valkey = chosen.get(images.valkey) or "" if shared_limits else ""
    if server and gateway and egress and (valkey or not shared_limits):
        return Bases(server=server, gateway=gateway, egress=egress, valkey=valkey)
    if not images.fallback:
        raise EngineError(
            f"no registry gives {', '.join(pins.missing)}",
            hint="load it into the engine, name another image in docgen.yaml, or set images/fallback: true",
            code="pull_failed",
            details=pins.failures,
        )
    if images.python != PYTHON and not server:
        raise ConfigurationError(
            f"the base made from Debian packages has Python {PYTHON}, and images/python is {images.python}",
            hint=f'write python: "{PYTHON}", or give a base image that can be pulled',
        )
    because = f"no registry gives {pins.missing[0]}" if pins.missing else ""
    files = base_from_packages(engine, cache_dir, reporter, because=because)
    pins.made_here([configured for configured, reference in chosen.items() if reference is None])
    return Bases(
        server=server or files.reference,
        gateway=gateway or files.reference,
        egress=egress or files.reference,
        gateway_debs=None if gateway else files.gateway_debs,
        egress_debs=None if egress else files.egress_debs,
        valkey=(valkey or files.reference) if shared_limits else "",
        valkey_debs=files.valkey_debs if shared_limits and not valkey else None,
    )


def base_from_packages(
    engine: Engine, cache_dir: Path, reporter: Reporter, *, because: str, refresh: bool = False
) -> BaseFiles:
    """The base image made from Debian packages, in the engine; made now unless the cache has it.

    `because` tells users why it is needed; empty when they know.
    """
    architecture = engine.info().architecture
    files = None if refresh else find_base(cache_dir, architecture)
    if files is not None and engine.find_image(files.reference):
        if because:
            reporter.say(f"{because}; taking the one made from Debian packages: {files.reference}")
        return files
    making = "making one from Debian packages"
    reporter.begin("image", "base", f"{because}: {making}" if because else making)
    try:
        files = make_base(
            cache_dir, architecture, lambda line: reporter.advance("image", "base", line), refresh=refresh
        )
        reporter.advance("image", "base", "importing")
        engine.import_image(files.root_tar, files.reference, ('CMD ["bash"]',))
    except BaseException:
        reporter.failed("image", "base", "not made")
        raise
    reporter.done("image", "base", f"{files.reference} from Debian packages")
    return files


class Pins:
    """Pinned references of this project; `missing` are those that no registry gave."""

    def __init__(self, state_dir: Path, engine: Engine, reporter: Reporter) -> None:
        self._store = StateStore(state_dir)
        self._engine = engine
        self._reporter = reporter
        self.missing: list[str] = []
        self.failures: list[str] = []

    def forget(self, configured: tuple[str, ...]) -> None:
        """Unpin these references."""
        kept = {name: pin for name, pin in self._read().items() if name not in configured}
        self._write(kept)

    def made_here(self, configured: list[str]) -> None:
        """Remember that no registry gave these, so that the next command does not ask again."""
        self._write(self._read() | dict.fromkeys(configured, MADE_HERE))

    def pinned(self, configured: str) -> str | None:
        """An immutable reference for the configured one; None when it has to be made from packages."""
        pinned = self._read().get(configured)
        if pinned == MADE_HERE:
            return None
        if pinned and self._engine.find_image(pinned):
            return pinned
        image = self._engine.find_image(configured)
        if image is None:
            # Where the first registry could not be reached, a second time-out teaches nothing new.
            image = None if self.missing else self._pull(pinned or configured)
        if image is None:
            self.missing.append(configured)
            return None
        reference = immutable_reference(image, configured)
        self._write(self._read() | {configured: reference})
        return reference

    def _read(self) -> dict[str, str]:
        return dict(self._store.read().pinned_images)

    def _write(self, pins: dict[str, str]) -> None:
        self._store.write(self._store.read().model_copy(update={"pinned_images": pins}))

    def _pull(self, reference: str) -> ObservedImage | None:
        self._reporter.begin("image", reference, "pulling")
        try:
            image = self._engine.pull_image(
                reference, lambda line: self._reporter.advance("image", reference, line)
            )
        except EngineError as error:
            self._reporter.failed("image", reference, "no registry gives it")
            self.failures.append(error.message)
            return None
        self._reporter.done("image", reference, "pulled")
        return image


def immutable_reference(image: ObservedImage, configured: str) -> str:
    """`name@sha256:…` where a registry gave one, the engine's id for images that were loaded by hand."""
    name = configured.split("@")[0]
    head, _, tail = name.rpartition(":")
    repository = head if head and "/" not in tail else name
    for digest in image.digests:
        if digest.rpartition("@")[0].endswith(repository):
            return digest
    return image.id
