import io

import pytest
from dotenv import dotenv_values

from docgenctl.configuration.environment import VARIABLES
from docgenctl.rendering.env_files import env_settings, render_env, render_env_template, size
from tests.unit.rendering.blueprints import TEMPLATES, make_blueprint

REFERENCE = {
    "GITHUB_MCP_PORT_RANGE",
    "MAIN_MCP_PORT_RANGE",
    "MAIN_MCP_HEALTH_PORT_RANGE",
    "ORCHESTRATOR_PORT_RANGE",
    "MCP_CPU_LIMIT",
    "MCP_MEMORY_LIMIT",
    "MCP_ENV",
    "MCP_LOG_LEVEL",
    "MCP_FRONTEND_SUBNET",
    "MCP_BACKEND_SUBNET",
}


def test_the_env_file_holds_what_is_in_effect_under_the_reference_s_names() -> None:
    settings = {
        "environment": "production",
        "limits": {"memory": "256m"},
        "servers": {"main": {"port": 3210}},
    }
    read = dotenv_values(stream=io.StringIO(render_env(make_blueprint(settings), TEMPLATES)))
    assert read["MCP_ENV"] == "production"
    assert read["MCP_MEMORY_LIMIT"] == "256m"
    assert read["MAIN_MCP_PORT_RANGE"] == "3210"
    assert "GITHUB_MCP_PORT_RANGE" not in read
    assert set(dotenv_values(stream=io.StringIO(render_env(make_blueprint(), TEMPLATES)))) == REFERENCE


def test_the_port_chosen_from_a_range_is_named() -> None:
    assert "of server main; in use: 3200\nMAIN_MCP_PORT_RANGE=3200-3300\n" in render_env(
        make_blueprint(), TEMPLATES
    )


def test_the_template_sets_nothing_until_a_line_is_uncommented() -> None:
    text = render_env_template(make_blueprint({"environment": "production"}), TEMPLATES)
    assert dotenv_values(stream=io.StringIO(text)) == {}
    opened = dotenv_values(stream=io.StringIO(text.replace("# MCP_ENV=", "MCP_ENV=")))
    assert opened == {"MCP_ENV": "development"}


def test_every_variable_is_one_that_docgenctl_reads() -> None:
    own_port = {"servers": {"other": {"image": "main", "port": 4000}, "main": {}}}
    for settings in (own_port, {}):
        assert {setting.name for setting in env_settings(make_blueprint(settings))} <= set(VARIABLES)


@pytest.mark.parametrize(
    ("amount", "text"), [(512 * 1024**2, "512m"), (1024**3, "1g"), (1000, "1000"), (0, "0")]
)
def test_sizes_are_written_as_people_write_them(amount: int, text: str) -> None:
    assert size(amount) == text
