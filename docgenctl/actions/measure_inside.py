"""Calls of a server from inside the orchestrator's container, for `verify --direct`.

That is the nearest to "direct" there is on closed networks: the same call, to the server itself, with the
orchestrator's key, from where the orchestrator sends it.
"""

import json
from collections.abc import Mapping
from typing import Any

from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import NotHealthyError

_PYTHON = "/opt/docgen/venv/bin/python"
_SHOWN = 200


def measure_inside(
    engine: Engine, container_id: str, server: str, tool: str, arguments: Mapping[str, Any], count: int
) -> list[float]:
    """Milliseconds of each of so many calls over one kept connection.

    Raises NotHealthyError (`probe_failed`) when the probe does not come to its end, and EngineError.
    """
    command = (_PYTHON, "-I", "-c", _PROBE, server, tool, json.dumps(dict(arguments)), str(count))
    ran = engine.execute(container_id, command)
    try:
        return [float(value) for value in json.loads(ran.output.strip().splitlines()[-1])]
    except (ValueError, TypeError, IndexError):
        said = ran.output.strip()[-_SHOWN:]
        raise NotHealthyError(
            f"the probe in the orchestrator's container ended with {ran.exit_code}: {said}",
            hint="docgenctl health",
            code="probe_failed",
        ) from None


#: Standard library only; prints a JSON list of milliseconds. The first call, which connects, is left out.
_PROBE = """
import http.client, json, os, re, ssl, sys, time
from urllib.parse import urlsplit
name, tool, arguments, count = sys.argv[1:]
config, secrets = map(os.environ.get, ("DOCGEN_CONFIG_DIR", "DOCGEN_SECRETS_DIR"))
text = open(config + "/routing.yaml", encoding="utf-8").read()
block = re.search(r"(?ms)^  %s:\\n(.*?)(?=^  \\S|^\\S|\\Z)" % re.escape(name), text)[1]
said = dict(re.findall(r'(?m)^    (url|key_secret): "?([^"\\n]+)"?$', block))
key = open(secrets + "/" + said["key_secret"], encoding="utf-8").read().strip()
parts = urlsplit(said["url"])
if parts.scheme == "https":
    context = ssl.create_default_context(cafile=secrets + "/tls-ca.crt")
    context.load_cert_chain(secrets + "/tls.crt", secrets + "/tls.key")
    connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=context)
else:
    connection = http.client.HTTPConnection(parts.hostname, parts.port)
meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "docgenctl verify", "version": "0"},
        "io.modelcontextprotocol/clientCapabilities": {}}
headers = {"Authorization": "Bearer " + key, "Content-Type": "application/json",
           "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28",
           "Mcp-Method": "tools/call", "Mcp-Name": tool}
times = []
for number in range(int(count) + 1):
    params = {"name": tool, "arguments": json.loads(arguments), "_meta": meta}
    body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
    begun = time.perf_counter()
    connection.request("POST", parts.path, body=body, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    times.append((time.perf_counter() - begun) * 1000)
    if answer.status != 200:
        sys.exit("HTTP %d %s" % (answer.status, content[:100]))
print(json.dumps(times[1:]))
"""
