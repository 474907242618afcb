"""Asks the orchestrator what owns what."""

from collections.abc import Mapping
from typing import Any

from docgenctl.endpoint import failures
from docgenctl.endpoint.address import Endpoint
from docgenctl.endpoint.connection import Connection
from docgenctl.model.routes import Finding, OddText, RoutedEndpoint, RoutedServer, RoutedTool, RouteTable

_OK = 200


def fetch_route_table(endpoint: Endpoint, *, timeout_s: float = 10.0) -> RouteTable:
    """The table as it is now. Raises NotHealthyError as `McpEndpoint` does."""
    connection = Connection(endpoint, timeout_s=timeout_s)
    try:
        headers = {"Authorization": f"Bearer {endpoint.read_key().reveal()}"}
        response = connection.request("GET", "/routes", headers=headers, repeatable=True)
        document = failures.json_object(connection.read(response))
        details = failures.correlation(response.getheader("X-Correlation-ID"))
        if response.status != _OK:
            raise failures.http_status(endpoint, response.status, response.getheader("Retry-After"), details)
    finally:
        connection.close()
    try:
        return _table(document or {})
    except (KeyError, TypeError, AttributeError, ValueError):
        raise failures.not_the_protocol(endpoint, "it does not tell what owns what", details) from None


def _table(document: Mapping[str, Any]) -> RouteTable:
    return RouteTable(
        servers=tuple(_server(server) for server in document["servers"]),
        endpoints=tuple(
            RoutedEndpoint(
                path=str(endpoint["path"]),
                servers=tuple(map(str, endpoint["servers"])),
                tools=int(endpoint["tools"]),
                resources=int(endpoint["resources"]),
                prompts=int(endpoint["prompts"]),
                # a stack that still runs from before does not tell it
                without_tool=tuple(map(str, endpoint.get("without_tool", ()))),
            )
            for endpoint in document["endpoints"]
        ),
        collisions={str(it["name"]): tuple(map(str, it["owners"])) for it in document["collisions"]},
        raw=document,
    )


def _server(server: Mapping[str, Any]) -> RoutedServer:
    name = str(server["name"])
    return RoutedServer(
        name=name,
        down=str(server["down"] or ""),
        told=bool(server["told"]),
        changes=str(server["changes"]),
        policy_without_tool=tuple(map(str, server["policy_without_tool"])),
        tools=tuple(_tool(name, tool) for tool in server["tools"]),
        odd_texts=tuple(
            OddText(str(it["of"]), str(it["name"]), _finding(it))
            for it in server["findings"]
            if "of" in it  # what a stack that still runs from before does not tell
        ),
        policy_without_part=tuple(map(str, server.get("policy_without_part", ()))),
    )


def _finding(found: Mapping[str, Any]) -> Finding:
    return Finding(str(found["kind"]), str(found["where"]), str(found["what"]), str(found["excerpt"]))


def _tool(server: str, tool: Mapping[str, Any]) -> RoutedTool:
    return RoutedTool(
        server=server,
        own_name=str(tool["own_name"]),
        name=str(tool["name"] or ""),
        denied=bool(tool["denied"]),
        held=str(tool["held"] or ""),
        standing=str(tool["standing"]),
        digest=str(tool["digest"]),
        read_only=bool(tool["read_only"]),
        timeout_s=float(tool["timeout_s"]),
        rate=str(tool["rate"] or ""),
        endpoints=tuple(map(str, tool["endpoints"])),
        findings=tuple(map(_finding, tool["findings"])),
        definition=dict(tool["definition"]),
    )
