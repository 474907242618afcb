"""Settings are written down by `deploy` and read again when it goes back."""

import pytest

from docgenctl.model.settings import Settings

WRITTEN = [
    {},
    {
        "project": "shop",
        "ports": {"bind": "127.0.0.1", "orchestrator": "9000"},
        "networks": {"frontend_pool": "10.9.0.0/24"},
        "limits": {"memory": "1g", "cpus": 0.5},
        "gateway": {"hostnames": ["docs.example.com", "192.0.2.1"]},
        "servers": {
            "main": {"port": "4000-4010", "limits": {"memory": "64m"}, "egress": {"allow": ["a.example:80"]}},
            "github": {"enabled": False, "options": {"repositories": ["o/r"]}},
        },
    },
]


@pytest.mark.parametrize("written", WRITTEN)
def test_what_is_dumped_as_json_is_read_as_the_same(written: dict) -> None:
    settings = Settings.model_validate(written)
    assert Settings.model_validate_json(settings.model_dump_json()) == settings
    assert Settings.model_validate(settings.model_dump(mode="json")) == settings


def test_ports_are_dumped_as_people_write_them() -> None:
    assert Settings().model_dump(mode="json")["ports"]["orchestrator"] == "8080-8180"
