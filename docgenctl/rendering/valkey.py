"""valkey.conf: how much the store of rates may hold, and what of it outlives its container."""

from pathlib import Path

from docgenctl.model.blueprint import SCRATCH_TARGET, SECRETS_TARGET, VALKEY_PORT, Blueprint
from docgenctl.rendering.environment import render_template
from docgenctl.rendering.stamp import stamp_text

TEMPLATE = "valkey/valkey.conf.j2"
#: A bucket takes less than 300 bytes: room for hundreds of thousands.
_MOST_BYTES = 64 * 1024**2
_LEAST_BYTES = 8 * 1024**2


def render_valkey(blueprint: Blueprint, templates: Path) -> str:
    """valkey.conf. Raises DocgenError as `render_template` does.

    What it holds is bounded by a quarter of its container's memory: rewriting its log copies what changes
    meanwhile, and its buffers need room too.
    """
    quarter = blueprint.settings.limits.memory // 4
    variables = {
        "stamp": stamp_text(blueprint.tool_version),
        "port": VALKEY_PORT,
        "data": SCRATCH_TARGET,
        "users": f"{SECRETS_TARGET}/current/users.acl",
        "most_bytes": max(_LEAST_BYTES, min(_MOST_BYTES, quarter)),
    }
    return render_template(templates, TEMPLATE, variables)
