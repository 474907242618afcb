"""FastMCP's proxy as its documentation makes one, for `forwarding.py`; runs on a Python that has FastMCP.

    python _fastmcp_proxy.py PORT BACKEND_URL [CERTIFICATE KEY AUTHORITY]

With what that documentation calls session reuse it would be faster, and callers would get the progress of
other callers; so it is the default that is measured.
"""

import ssl
import sys

from fastmcp.client.transports import StreamableHttpTransport
from fastmcp.server import create_proxy
from fastmcp.server.providers.proxy import ProxyClient

port, url, *files = sys.argv[1:]
options = {"log_level": "warning", "access_log": False}
target = url
if files:
    certificate, key, authority = files
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate, key)
    target = ProxyClient(StreamableHttpTransport(url, verify=context))
    options |= {
        "ssl_certfile": certificate,
        "ssl_keyfile": key,
        "ssl_ca_certs": authority,
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
    }
create_proxy(target).run(
    transport="http",
    host="127.0.0.1",
    port=int(port),
    path="/mcp",
    stateless_http=True,
    show_banner=False,
    uvicorn_config=options,
)
