"""What Typer asks when a shell wants to know how an argument may go on: names out of small files."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import typer


def _suggest(kind: str) -> Callable[[typer.Context, str], list[str]]:
    def suggestions(ctx: typer.Context, incomplete: str) -> list[str]:
        from docgenctl.actions import suggest

        found: Mapping[str, Callable[[Path | None, Mapping[str, str]], tuple[str, ...]]] = {
            "servers": suggest.server_names,
            "services": suggest.service_names,
            "settings": suggest.setting_names,
            "tools": suggest.tool_names,
        }
        names = found[kind](ctx.params.get("project_dir"), os.environ)
        taken = ctx.params.get("services") or ctx.params.get("names") or ()
        return [name for name in names if name.startswith(incomplete) and name not in taken]

    return suggestions


servers = _suggest("servers")
services = _suggest("services")
settings = _suggest("settings")
tools = _suggest("tools")
