"""Checks of `servers` that need to know the images: which there are, their options, their ports."""

import difflib
import heapq
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from docgenctl.configuration.explanations import display
from docgenctl.configuration.layers import Mistake
from docgenctl.configuration.source_checks import source_mistakes
from docgenctl.model.blueprint import is_origin
from docgenctl.model.image_facts import ImageFacts, OptionFacts
from docgenctl.model.server_sources import ADAPTER
from docgenctl.model.setting_values import PortRange
from docgenctl.model.settings import ServerSettings, Settings

#: images of parts of the stack that are no entries of `servers`
_NOT_SERVERS = frozenset({"orchestrator", ADAPTER})


class _Wish(NamedTuple):
    path: tuple[str, ...]
    ports: PortRange


def server_images(facts: Mapping[str, ImageFacts]) -> Mapping[str, ImageFacts]:
    """The images that an entry of `servers` may name."""
    return {name: image for name, image in facts.items() if name not in _NOT_SERVERS}


def server_mistakes(settings: Settings, facts: Mapping[str, ImageFacts]) -> Iterator[Mistake]:
    """Everything wrong with servers whose single values are right."""
    images = server_images(facts)
    for name, server in settings.servers.items():
        yield from source_mistakes(name, server)
        if is_origin(name, settings.servers):
            hint = "choose another name: it belongs to the container of an image"
            yield Mistake(("servers", name), "the name is taken", hint)
        if server.of_others:
            yield from _options_of_others(name, server)
            continue
        image = images.get(server.image or name)
        if image is None:
            yield _unknown_image(name, server, images)
        else:
            yield from _option_mistakes(name, server, image)
            yield from _secret_mistakes(name, server, image)
            yield from _missing_doors(name, server, image)
    yield from _port_mistakes(settings, images)


def _unknown_image(name: str, server: ServerSettings, images: Mapping[str, ImageFacts]) -> Mistake:
    wanted = server.image or name
    near = difflib.get_close_matches(wanted, images, n=1)
    known = ", ".join(sorted(images))
    if server.image:
        hint = f"did you mean `{near[0]}`?" if near else f"known images: {known}"
        return Mistake(("servers", name, "image"), f"{wanted!r} is not a server image", hint)
    hint = f"did you mean `{near[0]}`?" if near else f"write `image:` below it; known images: {known}"
    return Mistake(("servers", name), f"there is no server image named {wanted!r}", hint)


def _options_of_others(name: str, server: ServerSettings) -> Iterator[Mistake]:
    for key in server.options:
        path = ("servers", name, "options", key)
        yield Mistake(path, "is an option of no image of ours", "servers of others take `environment`")


def _option_mistakes(name: str, server: ServerSettings, image: ImageFacts) -> Iterator[Mistake]:
    for key, value in server.options.items():
        path = ("servers", name, "options", key)
        known = image.options.get(key)
        if known is None:
            near = difflib.get_close_matches(key, image.options, n=1)
            names = ", ".join(image.options)
            hint = f"did you mean `{near[0]}`?" if near else f"known options: {names or 'none'}"
            yield Mistake(path, f"is not an option of the image {image.name}", hint)
        else:
            yield from _value_mistakes(path, value, known)


def _secret_mistakes(name: str, server: ServerSettings, image: ImageFacts) -> Iterator[Mistake]:
    """Secrets of our own images are known; an entry only says which variable each is read from."""
    known = [secret.environment for secret in image.secrets]
    for variable in server.secrets:
        if variable not in known:
            hint = f"its secrets: {', '.join(known)}" if known else "remove the key"
            path = ("servers", name, "secrets", variable)
            yield Mistake(path, f"is not a secret of the image {image.name}", hint)


_OPTION_TYPES: Mapping[str, tuple[type, str, str]] = {
    "string": (str, "text", "write a quoted text"),
    "integer": (int, "a whole number", "write a whole number"),
    "boolean": (bool, "true or false", "write true or false"),
    "strings": (list, "a list of texts", 'write ["first", "second"]'),
}


def _value_mistakes(path: tuple[str, ...], value: Any, option: OptionFacts) -> Iterator[Mistake]:
    wanted, noun, hint = _OPTION_TYPES[option.type]
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        yield Mistake(path, f"{display(value)} is not {noun}", hint)
        return
    for item in value if isinstance(value, list) else [value]:
        if option.type == "strings" and not isinstance(item, str):
            yield Mistake(path, f"{display(item)} in the list is not text", "write a quoted text")
        elif option.pattern and isinstance(item, str) and not re.fullmatch(option.pattern, item):
            yield Mistake(path, f"{display(item)} does not fit", option.description)


def _missing_doors(name: str, server: ServerSettings, image: ImageFacts) -> Iterator[Mistake]:
    for key in ("port", "health_port"):
        if getattr(server, key) is not None and getattr(image, key) is None:
            noun = "port of its own" if key == "port" else "readiness port"
            yield Mistake(("servers", name, key), f"the image {image.name} has no {noun}", "remove the key")


def _port_mistakes(settings: Settings, images: Mapping[str, ImageFacts]) -> Iterator[Mistake]:
    """Fixed ports wanted twice, and ranges too small for all who choose from them."""
    wishes = list(_wishes(settings, images))
    owners: dict[int, _Wish] = {}
    for wish in wishes:
        port = wish.ports.first
        if wish.ports.fixed and port in owners:
            other = "/".join(owners[port].path)
            yield Mistake(wish.path, f"port {port} is taken by {other}", "choose another port, or a range")
        elif wish.ports.fixed:
            owners[port] = wish
    ranged = [wish for wish in wishes if not wish.ports.fixed]
    for wish in _left_over([*owners.values(), *ranged]):
        yield Mistake(
            wish.path, f"{wish.ports} leaves no port free beside the other settings", "choose a wider range"
        )


def _wishes(settings: Settings, images: Mapping[str, ImageFacts]) -> Iterator[_Wish]:
    yield _Wish(("ports", "orchestrator"), settings.ports.orchestrator)
    for name, server in settings.servers.items():
        image = None if server.of_others else images.get(server.image or name)
        for key in ("port", "health_port") if server.enabled and (image or server.of_others) else ():
            offered = getattr(image, key, None)
            wanted = getattr(server, key) or offered
            if wanted is not None and (offered is not None or server.of_others):
                yield _Wish(("servers", name, key), wanted)


def _left_over(wishes: list[_Wish]) -> Iterator[_Wish]:
    """Wishes without a port when ports are given out ascending, always to who must have one soonest.

    Earliest deadline first is optimal for unit jobs with release times (Horn 1974), so that what is left
    over has no port under any other distribution either.
    """
    waiting = sorted(wishes, key=lambda wish: wish.ports.first, reverse=True)
    ready: list[tuple[int, tuple[str, ...], _Wish]] = []
    port = 0
    while waiting or ready:
        port = port + 1 if ready else max(port + 1, waiting[-1].ports.first)
        while waiting and waiting[-1].ports.first <= port:
            wish = waiting.pop()
            heapq.heappush(ready, (wish.ports.last, wish.path, wish))
        while ready and ready[0][0] < port:
            yield heapq.heappop(ready)[2]
        if ready:
            heapq.heappop(ready)
