import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docgenctl.configuration.environment import VARIABLES
from docgenctl.configuration.load import load_configuration
from docgenctl.configuration.settings_tree import setting_paths
from docgenctl.model.errors import ConfigurationError, Problem
from docgenctl.model.image_facts import ImageFacts
from docgenctl.model.setting_values import PortRange, parse_port_range, parse_size
from docgenctl.model.settings import Settings

from .conftest import Load, Mistakes


def test_an_absent_file_gives_the_defaults(load: Load, tmp_path: Path) -> None:
    configuration = load()
    assert configuration.settings == Settings()
    assert configuration.file is None
    assert configuration.directory == tmp_path
    assert set(configuration.origins.values()) == {"default"}


def test_every_setting_has_an_origin(load: Load) -> None:
    configuration = load("servers: {github: {options: {repositories: [a/b]}}}")
    assert set(configuration.origins) == {"/".join(path) for path in setting_paths(configuration.settings)}
    assert configuration.origins["servers/github/options/repositories"] == "docgen.yaml:1"
    assert configuration.origins["servers/main/limits/cpus"] == "default"


def test_flags_win_over_environment_over_dotenv_over_file_over_defaults(load: Load) -> None:
    text = "project: from-file\nlog_level: error\nenvironment: production\nlimits:\n  cpus: 2\n"
    dotenv = "DOCGEN_PROJECT=from-dotenv\nMCP_LOG_LEVEL=warning\nMCP_ENV=development\n"
    environ = {"DOCGEN_PROJECT": "from-environment", "MCP_LOG_LEVEL": "debug"}
    configuration = load(text, environ, {"project": "from-flag", "log_level": None}, dotenv)
    assert configuration.settings.project == "from-flag"
    assert configuration.settings.log_level == "debug"
    assert configuration.settings.environment == "development"
    assert configuration.settings.limits.cpus == 2
    assert {key: origin for key, origin in configuration.origins.items() if origin != "default"} == {
        "project": "flag --project",
        "log_level": "environment MCP_LOG_LEVEL",
        "environment": ".env MCP_ENV",
        "limits/cpus": "docgen.yaml:5",
    }


def test_layers_are_merged_leaf_by_leaf(load: Load) -> None:
    configuration = load("limits: {memory: 1g}", {"MCP_CPU_LIMIT": "0.5"}, {"limits/pids": 64})
    limits = configuration.settings.limits
    assert (limits.cpus, limits.memory, limits.pids) == (0.5, 1024**3, 64)


def test_every_variable_reaches_its_key_path(load: Load) -> None:
    values = {
        "MCP_ENV": "PRODUCTION",
        "MCP_LOG_LEVEL": "DEBUG",
        "ORCHESTRATOR_PORT_RANGE": "9080-9180",
        "GITHUB_MCP_PORT_RANGE": "9000-9010",
        "MAIN_MCP_PORT_RANGE": "9200",
        "MAIN_MCP_HEALTH_PORT_RANGE": "9800-9900",
        "MCP_CPU_LIMIT": "1.5",
        "MCP_MEMORY_LIMIT": "1g",
        "MCP_FRONTEND_SUBNET": "10.1.0.0/24",
        "MCP_BACKEND_SUBNET": "10.2.0.0/24",
        "DOCGEN_PROJECT": "mine",
        "DOCGEN_BIND": "::1",
        "DOCGEN_BASE_IMAGE": "python:3.13",
        "DOCGENCTL_ENGINE": "Process",
    }
    assert values.keys() == VARIABLES.keys()
    configuration = load(environ=values)
    for variable, key_path in VARIABLES.items():
        assert configuration.origins[key_path] == f"environment {variable}"
    assert configuration.settings.environment == "production"
    assert configuration.settings.servers["main"].port == PortRange(first=9200, last=9200)


def test_an_empty_variable_is_not_set(load: Load) -> None:
    configuration = load("log_level: error", {"MCP_LOG_LEVEL": " "}, dotenv="MCP_LOG_LEVEL=debug\n")
    assert configuration.settings.log_level == "debug"
    assert load("log_level: error", {}, dotenv="MCP_LOG_LEVEL=\n").settings.log_level == "error"


def test_an_empty_section_or_setting_is_not_set(load: Load) -> None:
    configuration = load("ports:\nproject:\nlog_level:\nservers:\n  main:\n    options:\n")
    assert configuration.settings == Settings()


def test_mentioning_one_server_does_not_remove_the_other(load: Load) -> None:
    servers = load("servers: {main: {port: 3210}}").settings.servers
    assert list(servers) == ["main", "github"]
    assert servers["github"].enabled


def test_a_server_is_switched_off_by_its_own_key(load: Load) -> None:
    assert not load("servers: {github: {enabled: false}}").settings.servers["github"].enabled


def test_a_further_server_is_added_by_image(load: Load) -> None:
    servers = load("servers: {second: {image: github, port: 3150}}").settings.servers
    assert list(servers) == ["main", "github", "second"]


def test_all_mistakes_are_reported_together_from_top_to_bottom(mistakes: Mistakes) -> None:
    text = """\
log_levl: debug
version: 0
ports: 8080
limits: {cpus: x}
images:
  python: 3.10
servers:
  main:
    port: 80a
    options: {x: 1}
  gateway:
  guthub:
"""
    problems = mistakes(text, {"MCP_ENV": "prod"}, {"project": "-x"})
    assert [f"{problem} | {problem.hint}" for problem in problems] == [
        "docgen.yaml:1: log_levl: is not a setting | did you mean `log_level`?",
        "docgen.yaml:2: version: 0 is not a layout of docgen.yaml | write 2",
        "docgen.yaml:3: ports: is a section, not a single value | "
        "write bind and its value indented below `ports:`",
        "docgen.yaml:4: limits/cpus: 'x' is not a number | write a number",
        'docgen.yaml:6: images/python: 3.10 reads as a number, not as text | put it in quotes: "3.10"',
        "docgen.yaml:9: servers/main/port: '80a' is not a port or range | write 3200 or \"3200-3300\"",
        "docgen.yaml:10: servers/main/options/x: is not an option of the image main | known options: none",
        "docgen.yaml:11: servers/gateway: the name belongs to a part of the stack | choose another",
        "docgen.yaml:12: servers/guthub: there is no server image named 'guthub' | did you mean `github`?",
        "flag --project: project: '-x' is not a name | "
        "write 2 to 32 lower-case letters, digits and dashes, a letter first and no dash last",
        "environment MCP_ENV: environment: 'prod' is not one of development or production | "
        "did you mean `production`?",
    ]


def test_a_single_mistake_is_the_message_itself(load: Load) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load("log_level: loud")
    assert caught.value.message == (
        "docgen.yaml:1: log_level: 'loud' is not one of debug, info, warning or error"
    )
    assert caught.value.hint == "write debug, info, warning or error"


@pytest.mark.parametrize(
    ("text", "key_path", "message", "hint"),
    [
        ("output: x", "output", "is not a setting", "did you mean `workspace/output`?"),
        ("zzz: x", "zzz", "is not a setting", "known here: version, project, "),
        ("servers: [main]", "servers", "is a section, not a single value", "write a name and its value"),
        ("servers: {main: 1}", "servers/main", "is a section, not a single value", "write enabled"),
        ("servers: {X: {image: main}}", "servers/X", "'X' is not a name", "write 2 to 32"),
        (
            "servers: {two: }",
            "servers/two",
            "there is no server image named 'two'",
            "write `image:` below it",
        ),
        ("servers: {two: {image: mian}}", "servers/two/image", "'mian' is not a ", "did you mean `main`?"),
        ("servers: {o: {}}", "servers/o", "'o' is not a name", "write 2 to 32"),
        ("servers: {orch: {image: orchestrator}}", "servers/orch/image", "'orchestrator' is not", "known"),
        ("servers: {main: {port: 0}}", "servers/main/port", "0 leaves the ports there are", "write a number"),
        ("servers: {main: {port: -1}}", "servers/main/port", "-1 is not a port or range", "write 3200"),
        ("servers: {main: {port: 65536}}", "servers/main/port", "65536 leaves the ports", "write a number"),
        ("servers: {main: {port: 9-8}}", "servers/main/port", "'9-8' runs backwards", 'write "8-9"'),
        ("servers: {main: {port: true}}", "servers/main/port", "True is not a port", "write 3200"),
        ("servers: {main: {port: {a: 1}}}", "servers/main/port", "{'a': 1} is not a port", "write 3200"),
        ("servers: {github: {health_port: 1}}", "servers/github/health_port", "the image github has", "rem"),
        ("servers: {github: {options: {x: }}}", "servers/github/options/x", "is not an option", "known opt"),
        (
            "servers: {github: {secrets: {TOKEN: my-api-key}}}",
            "servers/github/secrets/TOKEN",
            "is not a secret of the image github",
            "its secrets: GITHUB_TOKEN",
        ),
        (
            "servers: {main: {secrets: {TOKEN: my-api-key}}}",
            "servers/main/secrets/TOKEN",
            "is not a secret of the image main",
            "remove the key",
        ),
        (
            "servers: {github: {options: {repository: [a/b]}}}",
            "servers/github/options/repository",
            "is not an option of the image github",
            "did you mean `repositories`?",
        ),
        (
            "servers: {github: {options: {repositories: a/b}}}",
            "servers/github/options/repositories",
            "'a/b' is not a list of texts",
            'write ["first", "second"]',
        ),
        (
            "servers: {github: {options: {repositories: [a/b, 1]}}}",
            "servers/github/options/repositories",
            "1 in the list is not text",
            "write a quoted text",
        ),
        (
            "servers: {github: {options: {repositories: [a/b, 'a b']}}}",
            "servers/github/options/repositories",
            "'a b' does not fit",
            "Repositories it may read",
        ),
        (
            'servers: {github: {options: {api_url: "ftp://x\\n"}}}',
            "servers/github/options/api_url",
            "'ftp://x\\n' does not fit",
            "Base URL",
        ),
        ("limits: {cpus: 0}", "limits/cpus", "0 is too small", "write more than 0"),
        ("limits: {cpus: .nan}", "limits/cpus", "'.nan' is not a number", "write a number"),
        ("limits: {cpus: 1e400}", "limits/cpus", "1e400 is too large", "write at most 1024"),
        ("limits: {memory: 1k}", "limits/memory", "1k is too small", "write at least 16m"),
        ("limits: {memory: 9x}", "limits/memory", "'9x' is not a size", "write 512m or 1g"),
        ("limits: {memory: '" + "9" * 400 + "'}", "limits/memory", "'9999", "write 512m or 1g"),
        ("limits: {pids: 1.5}", "limits/pids", "1.5 is not a whole number", "write a whole number"),
        ("limits: {pids: " + "9" * 30 + "}", "limits/pids", "9999", "write at most 100000"),
        ("limits: {pids: " + "9" * 5000 + "}", "limits/pids", "'9999", "write a whole number"),
        ("images: {base: ''}", "images/base", "the text is empty", "write a value, or remove the key"),
        ("images: {base: [a]}", "images/base", "a list is not text", "write a single word"),
        ("images: {python: '2.7'}", "images/python", "'2.7' is not a version of Python", 'write "3.13"'),
        ("images: {fallback: perhaps}", "images/fallback", "'perhaps' is neither true nor", "write true or"),
        ("images: {fallback: []}", "images/fallback", "a list is neither true nor false", "write true or"),
        ("gateway: {hostnames: a}", "gateway/hostnames", "'a' is not a list", "write [first, second]"),
        ("gateway: {hostnames: [a, b c]}", "gateway/hostnames/1", "'b c' is not a host name", "write docs."),
        ("workspace: {output: /etc}", "workspace/output", "'/etc' leaves the workspace", "write a relative"),
        ("workspace: {output: a/../../b}", "workspace/output", "'a/../../b' leaves", "write a relative"),
        ("ports: {bind: localhost}", "ports/bind", "'localhost' is not an IP address", "write 127.0.0.1"),
        ("ports: {bind: 127.1}", "ports/bind", "127.1 reads as a number, not as text", "put it in quotes"),
        (
            "networks: {backend_pool: 10.0.0.0/30}",
            "networks/backend_pool",
            "10.0.0.0/30 is too",
            "write a /24",
        ),
        (
            "networks: {backend_pool: 10.0.0.1/24}",
            "networks/backend_pool",
            "'10.0.0.1/24' is not",
            "write 10.",
        ),
        ("log_level: {a: 1}", "log_level", "a section is not one of debug", "write debug"),
        ("project: true", "project", "true reads as true or false, not as text", "put it in quotes"),
        ("version: '1'", "version", "'1' is not a layout of docgen.yaml", "write 2"),
        (
            "version: 3",
            "version",
            "layout 3 is newer than this docgenctl, which knows up to 2",
            "use a newer",
        ),
        (
            "gateway: {request_timeout: 4s}",
            "gateway/request_timeout",
            "4s is out of bounds",
            "write at least 5s",
        ),
        ("gateway: {request_timeout: 25h}", "gateway/request_timeout", "25h is out", "write at most 24h"),
        (
            "gateway: {request_timeout: 5 min}",
            "gateway/request_timeout",
            "'5 min' is not a",
            "write 90s, 10m",
        ),
    ],
)
def test_a_mistake_is_named_with_its_remedy(
    mistakes: Mistakes, text: str, key_path: str, message: str, hint: str
) -> None:
    (problem,) = mistakes(text)
    assert (problem.file, problem.line, problem.key_path) == ("docgen.yaml", 1, key_path)
    assert problem.message.startswith(message)
    assert problem.hint.startswith(hint)
    assert len(problem.message) <= 200


@pytest.mark.parametrize("name", ["Ünïcode", "Upper", "-x", "x" * 300, "../x", "x-", "1x", "a b", "a\n"])
def test_a_project_name_that_compose_would_not_take_is_refused(mistakes: Mistakes, name: str) -> None:
    (problem,) = mistakes(flags={"project": name})
    assert problem.file == "flag --project"
    assert "is not a name" in problem.message


def test_two_fixed_ports_that_are_the_same_are_reported(mistakes: Mistakes) -> None:
    (problem,) = mistakes("ports: {orchestrator: 8080}\nservers: {main: {port: 8080}}")
    assert str(problem) == "docgen.yaml:2: servers/main/port: port 8080 is taken by ports/orchestrator"


def test_a_port_of_a_server_that_is_switched_off_takes_nothing(load: Load) -> None:
    load("ports: {orchestrator: 8080}\nservers: {github: {port: 8080, enabled: false}}")


def test_identical_ranges_are_fine_while_they_have_room(load: Load, mistakes: Mistakes) -> None:
    text = (
        "ports: {{orchestrator: {0}}}\nservers:\n"
        "  main: {{port: {0}, health_port: {0}}}\n  github: {{port: {0}}}"
    )
    load(text.format("4000-4003"))
    (problem,) = mistakes(text.format("4000-4002"))
    assert problem.message == "4000-4002 leaves no port free beside the other settings"


def test_a_range_whose_only_port_is_fixed_elsewhere_is_too_small(mistakes: Mistakes) -> None:
    text = "ports: {orchestrator: 4000-4001}\nservers: {main: {port: 4000}, github: {port: 4001}}"
    (problem,) = mistakes(text)
    assert "leaves no port free" in problem.message


def test_a_wrong_value_does_not_hide_what_is_wrong_in_lower_layers_of_checks(mistakes: Mistakes) -> None:
    problems = mistakes("log_level: loud\nservers:\n  github:\n    options:\n      repos: []\n")
    assert [problem.line for problem in problems] == [1, 5]


def test_a_file_under_a_near_miss_of_its_name_is_not_passed_over(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "docgen.yml").write_text("log_level: debug\n")
    (problem,) = mistakes()
    assert (str(problem), problem.hint) == ("docgen.yml: is not read", "rename it to docgen.yaml")


_JARGON = re.compile(
    r"Input should|Field required|Extra inputs|valid (integer|string|number|boolean|tuple)|"
    r"validation error|pydantic|_type|_parsing|cannot be used here|Value error",
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["main", "80-90", "1g", "a.example", "9" * 400, "x" * 5_000]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
_KEY_PATHS = sorted("/".join(path) for path in setting_paths(Settings()))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(st.sampled_from(_KEY_PATHS), _VALUES, min_size=1, max_size=6))
def test_whatever_the_values_are_the_answer_is_settings_or_mistakes_in_our_words(
    facts: Mapping[str, ImageFacts], tmp_path: Path, values: dict[str, Any]
) -> None:
    for problem in _problems_of(values, tmp_path, facts):
        shown = problem.message.replace(repr(values.get(problem.key_path)), "")
        assert not _JARGON.search(shown), shown
        assert problem.hint
        assert len(problem.message) <= 200


def _problems_of(
    values: dict[str, Any], directory: Path, facts: Mapping[str, ImageFacts]
) -> Sequence[Problem]:
    try:
        load_configuration(directory, environ={}, flags=values, facts=facts)
    except ConfigurationError as error:
        return error.problems
    return ()


@given(st.integers(1, 65535), st.integers(0, 65534), st.sampled_from(["{}-{}", " {} - {} "]))
def test_a_port_range_reads_as_it_prints(first: int, length: int, form: str) -> None:
    last = min(first + length, 65535)
    parsed = parse_port_range(form.format(first, last))
    assert (parsed.first, parsed.last) == (first, last)
    assert parse_port_range(str(parsed)) == parsed


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none()))
def test_a_port_range_is_in_order_and_in_bounds_or_refused(value: object) -> None:
    answer = _answer(parse_port_range, value)
    if isinstance(answer, PortRange):
        assert 1 <= answer.first <= answer.last <= 65535
    else:
        assert "; write " in answer


@given(
    st.integers(0, 10**12),
    st.sampled_from([("", 0), ("k", 10), ("M", 20), ("g", 30), ("GiB", 30), ("mb", 20)]),
)
def test_a_size_counts_in_powers_of_1024(number: int, unit: tuple[str, int]) -> None:
    assert parse_size(f"{number}{unit[0]}") == number << unit[1]


@given(st.one_of(st.text(), st.floats(), st.booleans(), st.from_regex(r"[0-9]{1,500}[kmg]?")))
def test_a_size_is_a_whole_number_of_bytes_or_refused(value: object) -> None:
    answer = _answer(parse_size, value)
    assert answer >= 0 if isinstance(answer, int) else "; write " in answer


def _answer(parse: Callable[[Any], Any], value: object) -> Any:
    """What the parser makes of the value, or the text of its error."""
    try:
        return parse(value)
    except ValueError as error:
        return str(error)


def test_parsers_are_loaded_only_when_there_is_something_to_parse(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from docgenctl.configuration.load import load_configuration;"
        "from docgenctl.state.store import StateStore;"
        "print({'ruamel.yaml', 'dotenv', 'platformdirs'} & set(sys.modules))"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
