"""Flags that stand for settings, through the command line."""

from pathlib import Path

from tests.unit.cli.command import docgenctl


def test_a_flag_wins_over_environment_dotenv_and_file_and_says_so(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "docgen.yaml").write_text("version: 1\nports: {orchestrator: 9300}\nlog_level: debug\n")
    (workspace / ".env").write_text("ORCHESTRATOR_PORT_RANGE=9200\n")
    places = {
        origin: docgenctl(tmp_path, "config", "show", "--origins", *argv, environ=environ).stdout
        for origin, argv, environ in [
            ("flag --port", ["--port", "9000-9010"], {"ORCHESTRATOR_PORT_RANGE": "9100"}),
            ("environment ORCHESTRATOR_PORT_RANGE", [], {"ORCHESTRATOR_PORT_RANGE": "9100"}),
            (".env ORCHESTRATOR_PORT_RANGE", [], {}),
        ]
    }
    for origin, printed in places.items():
        (line,) = [line for line in printed.splitlines() if line.startswith("ports/orchestrator ")]
        assert line.endswith(origin)
        assert "docgen.yaml:3" in printed


def test_a_mistake_in_a_flag_names_the_flag(tmp_path: Path) -> None:
    ran = docgenctl(tmp_path, "config", "show", "--port", "80a")
    assert ran.returncode == 3
    assert "--port" in ran.stderr
    assert "'80a' is not a port or range" in ran.stderr
