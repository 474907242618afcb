"""What happens in this server, as the change notifications of MCP (`subscriptions/listen`)."""

from collections.abc import Iterator

from mcp.server.subscriptions import (
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    SubscriptionBus,
    ToolsListChanged,
)

from docgen_main.documents.address import uri_of
from docgen_main.events.hub import Event, Hub, SlowListenerError
from docgen_main.workspace import Workspace


async def announce(hub: Hub, bus: SubscriptionBus, workspace: Workspace) -> None:
    """Publish on `bus` what events of `hub` mean for those who listen, until cancelled."""
    while True:
        # It listens as long as the server runs, and would keep the server looking for changes all that time.
        with hub.subscribe(of_disk=False) as events:
            try:
                async for event in events:
                    for change in changes(event, workspace):
                        await bus.publish(change)
            except SlowListenerError:
                for change in (ToolsListChanged(), PromptsListChanged(), ResourcesListChanged()):
                    await bus.publish(change)


def changes(event: Event, workspace: Workspace) -> Iterator[ServerEvent]:
    """What `event` changes for clients: lists, and the documents of the output folder."""
    if event.type in ("template.changed", "template.deleted"):
        yield from (ToolsListChanged(), PromptsListChanged(), ResourcesListChanged())
    if not event.type.startswith("file."):
        return
    names = [event.data[key] for key in ("path", "from") if isinstance(event.data.get(key), str)]
    paths = [tuple(name.split("/")) for name in names]
    documents = [path for path in paths if path[: len(workspace.output)] == workspace.output]
    for path in documents:
        yield ResourceUpdated(uri_of(workspace, path))
    if documents:
        yield ResourcesListChanged()
