"""Files that this server changed, as events."""

from collections.abc import Callable

from docgen_main.events.hub import Hub
from docgen_main.workspace import Change, display


def telling_of_files(hub: Hub) -> Callable[[Change], None]:
    """What a workspace calls for each change, so that `hub` says `file.written`, `.moved` or `.deleted`."""

    def tell(change: Change) -> None:
        path = display(change.path)
        match change.kind:
            case "written":
                hub.publish("file.written", path=path)
            case "moved":
                hub.publish("file.moved", path=path, **{"from": display(change.source)})
            case "deleted":
                hub.publish("file.deleted", path=path)

    return tell
