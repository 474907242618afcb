"""Mistakes in what docgen.yaml says about tools and named endpoints."""

import pytest

from .conftest import Load, Mistakes


def test_a_whole_policy_and_an_endpoint_are_read(load: Load) -> None:
    settings = load(
        """
servers:
  main:
    tools:
      allow: ["docs_*", files_read]
      deny: [docs_secret]
      rename: {docs_generate: write}
      timeout: {docs_generate: 5m}
      rate: {"docs_*": 10/m}
      changes: hold
    resources: {deny: ["docs://drafts/*"]}
    prompts: {allow: ["docs_*"]}
endpoints:
  review: {servers: [main], tools: [write], prompts: ["*"], resources: ["docs://*"]}
"""
    ).settings
    tools = settings.servers["main"].tools
    assert (tools.allow, tools.deny, tools.rename) == (
        ("docs_*", "files_read"),
        ("docs_secret",),
        {"docs_generate": "write"},
    )
    assert (tools.timeout, tools.rate, tools.changes) == ({"docs_generate": 300}, {"docs_*": "10/m"}, "hold")
    main = settings.servers["main"]
    assert (main.resources.allow, main.resources.deny) == (("*",), ("docs://drafts/*",))
    assert (main.prompts.allow, main.prompts.deny) == (("docs_*",), ())
    assert settings.endpoints["review"].tools == ("write",)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "servers: {main: {tools: {allow: [a, 'b[c']}}}",
            "docgen.yaml:1: servers/main/tools/allow/1: 'b[c' is not a pattern of names",
            "write docs_* or github_get_pull",
        ),
        (
            "servers: {main: {tools: {rename: {a: b/c}}}}",
            "docgen.yaml:1: servers/main/tools/rename/a: 'b/c' is not a tool name",
            "write at most 128 letters, digits, dashes, dots and underscores",
        ),
        (
            "servers: {main: {tools: {rename: {a_*: b_}}}}",
            "docgen.yaml:1: servers/main/tools/rename: 'a_*' and 'b_' do not go together",
            "end both with * to change how names begin",
        ),
        (
            "servers: {main: {tools: {rename: {a_*: '*b*'}}}}",
            "docgen.yaml:1: servers/main/tools/rename/a_*: '*b' is not a tool name",
            "write at most 128 letters, digits, dashes, dots and underscores",
        ),
        (
            "servers:\n  main: {tools: {rename: {a: c}}}\n  github: {tools: {rename: {b: c}}}",
            "docgen.yaml:3: servers/github/tools/rename/b: "
            "'c' is also the name of servers/main/tools/rename/a",
            "choose another",
        ),
        (
            "servers: {main: {resources: {deny: ['docs://[a]']}}}",
            "docgen.yaml:1: servers/main/resources/deny/0: 'docs://[a]' is not a pattern",
            "write docs_* or github_get_pull",
        ),
        (
            "servers: {main: {tools: {timeout: {a: 11m}}}}",
            "docgen.yaml:1: servers/main/tools/timeout/a: 11m is longer than gateway/request_timeout, 10m",
            "write less, or more there",
        ),
        (
            "servers: {main: {tools: {timeout: {a: 0}}}}",
            "docgen.yaml:1: servers/main/tools/timeout/a: 0 is too small",
            "write at least 1",
        ),
        (
            "servers: {main: {tools: {rate: {a: ten}}}}",
            "docgen.yaml:1: servers/main/tools/rate/a: 'ten' is not a rate",
            "write 10/s, 600/m, 100/h or '5/s burst 20'",
        ),
        (
            "servers: {main: {tools: {changes: helt}}}",
            "docgen.yaml:1: servers/main/tools/changes: 'helt' is not one of report or hold",
            "did you mean `hold`?",
        ),
        (
            "endpoints: {main: {tools: ['*']}}",
            "docgen.yaml:1: endpoints/main: the server main has this endpoint already",
            "choose another name",
        ),
        (
            "endpoints: {review: {servers: [main]}}",
            "docgen.yaml:1: endpoints/review: shows nothing",
            'write tools: ["*"] below it, or fewer',
        ),
        (
            "endpoints: {review: {tools: ['*'], servers: [mian]}}",
            "docgen.yaml:1: endpoints/review/servers: 'mian' is not a server",
            "did you mean `main`?",
        ),
        (
            "endpoints: {R: {tools: ['*']}}",
            "docgen.yaml:1: endpoints/R: 'R' is not a name",
            "write 2 to 32 lower-case letters, digits and dashes, a letter first and no dash last",
        ),
    ],
)
def test_a_mistake_names_line_path_and_fix(mistakes: Mistakes, text: str, message: str, hint: str) -> None:
    (problem,) = mistakes(text)
    assert str(problem).startswith(message)
    assert problem.hint == hint


def test_a_disabled_servers_names_are_free(load: Load) -> None:
    load(
        "servers:\n  main: {tools: {rename: {a: c}}}\n"
        "  github: {enabled: false, tools: {rename: {b: c}}}\n"
        "endpoints: {x1: {servers: [github], tools: [c]}}"
    )
