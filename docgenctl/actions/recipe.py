"""How an image is made, before it is."""

from collections.abc import Callable
from dataclasses import dataclass

from docgenctl.images.context import Context


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one image is made. `complete` is the context with what only a build needs, such as wheels."""

    image: str
    dockerfile: str
    context: Context
    complete: Callable[[Callable[[str], None]], Context]
    network: bool = False

    @property
    def reference(self) -> str:
        """The tag that names exactly this content."""
        return self.context.reference(self.image)
