"""A server whose tools become tasks: ``python tasks_program.py``."""

import sys

from docgen_common.app import create_app
from docgen_common.request_state import request_state_security
from docgen_common.serve import run
from docgen_common.settings import ServerSettings
from mcp.server import MCPServer
from starlette.applications import Starlette

from tests import task_tools


def build(settings: ServerSettings) -> Starlette:
    mcp = MCPServer(
        "jobs",
        version="1",
        extensions=[task_tools.extension()],
        request_state_security=request_state_security(settings),
    )
    task_tools.add(mcp)
    return create_app(mcp, settings)


sys.exit(run(build))
