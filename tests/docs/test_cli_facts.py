"""What docs/cli.md and docs/configuration.md say of exit codes, variables and JSON, against the code."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from docgenctl.actions.deploy import DeployReport
from docgenctl.actions.status import ServiceStatus
from docgenctl.actions.up_result import UpResult
from docgenctl.cli import deploy, health, status, up
from docgenctl.cli.console import Console, error_document
from docgenctl.cli.forecasts import forecast_document
from docgenctl.configuration.environment import VARIABLES
from docgenctl.endpoint.address import Endpoint
from docgenctl.model.errors import ConfigurationError, ExitCode, NotHealthyError, Problem
from docgenctl.model.forecast import FileForecast, Forecast, ImageForecast, PortMove, ServiceForecast
from docgenctl.model.health import HealthReport, LayerResult
from docgenctl.model.observed import EngineInfo
from docgenctl.model.plan import Plan, Step, Verb
from docgenctl.model.proof import Proof, Verdict
from docgenctl.model.stack import PortBinding
from docs.generate import commands, option_names

from .documents import ROOT, block, read, section, table

ENDPOINT = Endpoint(
    url="https://localhost:8080/mcp", ca_file=Path("/root.pem"), api_key_file=Path("/api-key")
)
LAYER = LayerResult("tool", "files_list", True, 4.5, "answered")
REPORT = HealthReport(healthy=True, layers=(LAYER,))
INFO = EngineInfo(
    name="Docker Engine",
    version="26.1.0",
    api_version="1.45",
    architecture="amd64",
    cpus=2,
    memory_bytes=1,
    address="unix:///var/run/docker.sock",
    source="socket",
)
FAILURE = NotHealthyError("it crashed", hint="look", details=["last line"])
STEP = Step(id="1", verb=Verb.CREATE_CONTAINER, subject="main", cause="missing")


def shape_of_status() -> Any:
    row = ServiceStatus(
        service="gateway",
        state="running",
        health="healthy",
        ports=(PortBinding(purpose="orchestrator", host_ip="127.0.0.1", host_port=1, container_port=1),),
        image="i",
        since="now",
        restarts=0,
        exit_code=0,
        container="c",
        cpu_percent=1.0,
        memory_bytes=1,
        memory_limit_bytes=1,
    )
    assert status._document(row, stats=True).items() >= status._document(row, stats=False).items()
    return [status._document(row, stats=True)]


def shape_of_health() -> Any:
    printed = io.StringIO()
    health._show(REPORT, Console(json_mode=True, out=printed))
    return json.loads(printed.getvalue())


def shape_of_up() -> Any:
    plan = Plan(steps=(STEP,))
    return up._document(
        UpResult(
            endpoint=ENDPOINT,
            plan=plan,
            project="p",
            services=("main",),
            ports={"orchestrator": 1, "main": 2, "main_health": 3, "github": 4},
            proofs=(LAYER,),
            healthy_after_s=1.0,
        ),
        INFO,
        (Proof(service="main", target="github", verdict=Verdict.BLOCKED, detail="silent"),),
    )


def shape_of_deploy() -> Any:
    report = DeployReport(
        outcome="rolled_back",
        steps=(str(STEP),),
        images={"main": "i"},
        health=REPORT,
        error=FAILURE,
        rollback_error=None,
        duration_s=1.5,
    )
    return deploy._document(report)


def shape_of_error() -> Any:
    assert "problems" not in error_document(FAILURE)["error"]
    problem = Problem("docgen.yaml", 3, "ports/x", "is not a setting", "a hint")
    return error_document(ConfigurationError("2 mistakes", problems=[problem]))


def shape_of_plan() -> Any:
    return forecast_document(
        Forecast(
            project="p",
            command="up",
            engine="Docker Engine 1",
            plan=Plan(steps=(STEP,)),
            images=(ImageForecast(reference="r", services=("main",), cause="c"),),
            services=(ServiceForecast(service="main", action="created", cause="c", interrupts=True),),
            files=(FileForecast(path="p", change="changed", diff="d"),),
            moves=(PortMove(purpose="main", old=1, new=2, cause="c"),),
            ports={"orchestrator": 1, "main": 2, "main_health": 3, "github": 4},
            made=("api-key",),
            findings=("f",),
            unknown=("u",),
        )
    )


EMITTED = {
    "plan": shape_of_plan,
    "status": shape_of_status,
    "endpoint": ENDPOINT.as_json,
    "health": shape_of_health,
    "up": shape_of_up,
    "deploy": shape_of_deploy,
    "error": shape_of_error,
}


def shape(value: Any) -> Any:
    """Keys and types of a document; lists are told by their first item."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


@pytest.mark.parametrize("name", EMITTED)
def test_the_documented_shape_is_the_one_that_is_printed(name: str) -> None:
    documented = json.loads(block("cli.md", f"shape: {name}"))
    emitted = json.loads(json.dumps(EMITTED[name]()))
    assert shape(documented) == shape(emitted)


@pytest.mark.parametrize("name", [name for name in commands() if "--json" in option_names(commands()[name])])
def test_the_json_of_every_command_is_documented(name: str) -> None:
    told = section(read("cli.md"), "## JSON")
    others = [row[0] for row in table(section(told, "### Others"))]
    assert name in others or f"<!-- shape: {name} -->" in told


@pytest.mark.parametrize("argv", ["version", "init", "config validate", "config show --origins", "render"])
def test_the_documented_keys_are_those_of_commands_that_need_no_engine(argv: str, tmp_path: Path) -> None:
    printed = docgenctl(tmp_path, *argv.split(), "--json")
    rows = {row[0]: row[1] for row in table(section(read("cli.md"), "### Others"))}
    told = rows[argv.removesuffix(" --origins")]
    first_level = re.sub(r"\(.*?\)", "", told)
    assert set(re.findall(r"`(\w+)`", "`" + first_level + "`")) == set(printed)


def docgenctl(directory: Path, *argv: str) -> Any:
    workspace = directory / "workspace"
    workspace.mkdir()
    environ = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "HOME": str(directory),
        "DOCGENCTL_STATE_DIR": str(directory / "state"),
        "DOCGENCTL_CACHE_DIR": str(directory / "cache"),
        "DOCKER_HOST": f"unix://{directory}/no-engine.sock",
    }
    command = [sys.executable, "-m", "docgenctl", *argv]
    done = subprocess.run(command, cwd=workspace, env=environ, capture_output=True, check=True, timeout=60)
    return json.loads(done.stdout)


def test_the_exit_codes_are_those_of_the_code() -> None:
    rows = table(section(read("cli.md"), "## Exit codes"))
    assert {int(row[0]): row[1] for row in rows} == {code.value: code.name.lower() for code in ExitCode}


@pytest.mark.parametrize("argv", ["up --nonsense", "open nonsense", "nonsense"])
def test_mistakes_in_the_command_line_have_the_documented_shape_too(argv: str, tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        docgenctl(tmp_path, *argv.split(), "--json")
    assert failed.value.returncode == ExitCode.USAGE
    assert json.loads(failed.value.stdout)["error"].keys() == error_document(FAILURE)["error"].keys()


def test_the_variables_of_settings_are_documented_with_what_they_set() -> None:
    rows = table(section(read("configuration.md"), "## Environment variables"))
    assert {row[0]: row[1] for row in rows} == dict(VARIABLES)


def test_all_other_variables_that_the_tool_reads_are_documented() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docgenctl").rglob("*.py"))
    read_by_name = set(re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', source))
    read_by_name |= set(re.findall(r'"([A-Z_]+)" (?:not )?in os\.environ', source))
    read_by_name |= set(re.findall(r'^[A-Z_]+_VARIABLE = "([A-Z_]+)"$', source, re.MULTILINE))
    documented = {row[0] for row in table(section(read("cli.md"), "## Environment variables"))}
    assert documented == read_by_name - {"HOME", "PATH"}


@pytest.mark.parametrize("since", ["yesterday", "2026-01-31T08:00:00"])
def test_a_time_that_logs_cannot_read_is_a_usage_error(since: str, tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        docgenctl(tmp_path, "logs", "--since", since, "--json")
    assert failed.value.returncode == ExitCode.USAGE
