"""What a dry run says in words."""

import pytest

from docgenctl.cli.console import Console
from docgenctl.cli.forecasts import show_forecast
from docgenctl.model.forecast import Forecast, ServiceForecast


def touched(service: str, action: str) -> ServiceForecast:
    return ServiceForecast(service=service, action=action, cause="because", interrupts=True)


def test_who_comes_back_and_who_does_not_is_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    services = (touched("main", "recreated"), touched("valkey", "removed"), touched("egress", "stopped"))
    show_forecast(
        Forecast(project="p", command="up", engine="Docker Engine", services=services),
        Console(json_mode=False),
    )
    said = capsys.readouterr()
    assert "main is recreated: because; it does not serve meanwhile" in said.out
    assert "valkey is removed: because\n" in said.out
    assert "egress is stopped: because\n" in said.out
    assert "interrupted for a while: main; out of service afterwards: valkey, egress." in said.err
