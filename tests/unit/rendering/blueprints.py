"""A fixed blueprint and the stack assembled from it, for every test of this room."""

from pathlib import Path
from typing import Any

from docgenctl.model.blueprint import Blueprint
from docgenctl.model.image_facts import ImageFacts
from docgenctl.model.project import Project
from docgenctl.model.settings import Settings
from docgenctl.model.stack import Stack
from docgenctl.planning.assemble_stack import ImageChoice, assemble_stack, network_keys, service_names
from docgenctl.planning.choose_replicas import limits_are_shared
from docgenctl.planning.resolve_servers import resolve_servers, wanted_ports

#: The checkout's own; what an installed wheel carries is proved in tests/packaging.
TEMPLATES = Path(__file__).parents[3] / "templates"

#: Facts of two images, fixed here so that a change of a real image changes no expected file.
FACTS = {
    "main": ImageFacts.model_validate(
        {
            "name": "main",
            "title": "Documents",
            "description": "Makes documents.",
            "module": "docgen_main",
            "port": "3200-3300",
            "health_port": "8800-8900",
            "workspace": True,
            "data": True,
            "models": True,
            "tool_prefixes": ["docs_", "files_"],
            "resource_schemes": ["docs"],
            "events": True,
        }
    ),
    "github": ImageFacts.model_validate(
        {
            "name": "github",
            "title": "GitHub",
            "description": "Reads repositories.",
            "module": "docgen_github",
            "port": "3000-3100",
            "tool_prefixes": ["github_"],
            "resource_schemes": ["github"],
            "options": {
                "api_url": {"type": "string", "description": "", "default": "https://api.github.com"},
                "repositories": {"type": "strings", "description": "", "default": []},
            },
            "egress": {"host_of": "api_url", "when": "repositories"},
            "secrets": [{"name": "github-token", "environment": "GITHUB_TOKEN", "description": "Token."}],
        }
    ),
}

#: Settings in which every part of the templates has something to write.
FULL: dict[str, Any] = {
    "project": "demo-1a2b3c",
    "gateway": {"hostnames": ["localhost", "docs.example.com"]},
    "servers": {
        "main": {
            "egress": {
                "allow": [
                    "packages.example.com",
                    ".example.org",
                    "*.example.net",
                    "git.corp.example:8443",
                    "192.0.2.7",
                    "mirror.example.com:80",
                ]
            }
        },
        "github": {
            "options": {"repositories": ["octo/*"]},
            "tools": {
                "allow": ["github_*"],
                "deny": ["github_merge_*"],
                "rename": {"github_get_pull": "pull"},
                "timeout": {"github_search_code": "90s"},
                "rate": {"github_search_*": "10/m"},
                "changes": "hold",
            },
            "resources": {"deny": ["github://*/secret*"]},
            "prompts": {"allow": ["github_*"]},
        },
    },
    "endpoints": {"review": {"tools": ["pull", "docs_*"], "prompts": ["docs_*"]}},
    "models": {
        "providers": {
            "anthropic": {"prices": {"claude-model": {"input_usd": 3, "output_usd": 15}}},
            "local": {"type": "openai-compatible", "base_url": "http://ollama.example:11434/v1"},
        },
        "chains": {
            "default": ["anthropic/claude-model", "local/small"],
            "changelog": ["anthropic/claude-model"],
        },
        "budget": {"per_document_tokens": 200_000},
    },
}
#: Several orchestrators, which count in a store.
SEVERAL: dict[str, Any] = {
    "project": "several-1a2b3c",
    "servers": {"main": {}},
    "orchestrator": {"replicas": 3},
}
#: The least there can be: no server at all.
EMPTY: dict[str, Any] = {"project": "empty-1a2b3c", "servers": {}}


def make_blueprint(settings: dict[str, Any] = FULL) -> Blueprint:
    """A blueprint of these settings with ports and subnets counted up from the first of each."""
    parsed = Settings.model_validate(settings)
    servers = resolve_servers(parsed, FACTS)
    replicas = parsed.orchestrator.replicas
    shared_limits = limits_are_shared(parsed, replicas, isolates=True)
    keys = network_keys(tuple(server.name for server in servers), shared_limits=shared_limits)
    return Blueprint(
        project=Project(
            name=parsed.project or "demo", id="0123456789abcdef", directory=Path("/home/user/demo")
        ),
        settings=parsed,
        servers=servers,
        ports={purpose: wanted.first for purpose, wanted in wanted_ports(parsed, servers).items()},
        subnets={key: f"10.213.{16 + index}.0/28" for index, key in enumerate(keys)},
        owner="1000:1000",
        tool_version="9.8.7",
        replicas=replicas,
        shared_limits=shared_limits,
    )


def make_stack(blueprint: Blueprint) -> Stack:
    """The stack of a blueprint, with images and contents under made-up digests."""
    names = service_names(blueprint)
    images = {
        name: ImageChoice(reference=f"docgenctl/{name}:0123abcd", id=f"sha256:{name}") for name in names
    }
    return assemble_stack(blueprint, images, {f"{name}-config": "c" * 64 for name in names})
