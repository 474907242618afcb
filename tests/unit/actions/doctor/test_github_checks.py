"""What `doctor github` says from settings and variables alone, and of every answer that a server may give."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from docgen_github.diagnosis import Diagnosis as ServersDiagnosis
from docgen_github.missing_rights import Access as ServersAccess
from docgen_github.missing_rights import Missing as ServersMissing

from docgenctl.actions.doctor.catalogue import chosen_checks
from docgenctl.actions.doctor.github_answers import (
    Access,
    Diagnosis,
    GithubAnswer,
    Missing,
    _answer,
    ask_github_servers,
    github_settings,
)
from docgenctl.actions.doctor.run_checks import run_checks
from docgenctl.endpoint.address import Endpoint
from docgenctl.model.diagnosis import Outcome
from docgenctl.model.errors import NotHealthyError
from docgenctl.model.routes import RoutedServer, RoutedTool, RouteTable
from tests.unit.actions.doctor.sandbox import Patient

TOKEN = "ghp_CANARY4f1b7c9e2a5d8f0b3c6e9a1d4f7b0c3e"
RESET = datetime(2026, 11, 30, 17, 5, tzinfo=UTC)
NOWHERE = NotHealthyError("nothing answers at localhost:8080", hint="docgenctl up", code="unreachable")


def patient(folder: Path, token: str = TOKEN, **options: Any) -> Patient:
    """A workspace whose docgen.yaml has these options of github; the token is in .env."""
    found = Patient(folder)
    (found.workspace / "docgen.yaml").write_text(json.dumps({"servers": {"github": {"options": options}}}))
    if token:
        (found.workspace / ".env").write_text(f"GITHUB_TOKEN={token}\n")
    return found


def a_diagnosis(**more: Any) -> dict[str, Any]:
    """A server's answer where all is well."""
    return {
        "kind": "classic",
        "api_host": "api.github.com",
        "egress_proxy": True,
        "reached": True,
        "accepted": True,
        "problem": None,
        "login": "octo",
        "scopes": ["repo"],
        "expires": None,
        "expires_in_days": None,
        "rate": {"limit": 5000, "remaining": 4990, "reset": RESET.isoformat()},
        "toolsets": ["checks", "contents", "issues", "pulls", "releases", "repos"],
        "read_only": True,
        "allowed": ["octo/demo"],
        "writable": [],
        "missing": [],
        "notes": [],
        "repositories": [
            {"full_name": "octo/demo", "reachable": True, "private": True, "push": True, "problem": None}
        ],
        "not_asked": [],
    } | more


def looked(
    found: Patient, check: str, told: dict[str, Any] | None = None, why: NotHealthyError | None = NOWHERE
) -> Outcome:
    """The outcome of one check, where the servers would answer so."""
    scene = found.scene()
    (settings,) = github_settings(scene.opened())
    answer = GithubAnswer(settings, Diagnosis.model_validate(told)) if told else None
    scene.github = lambda: (answer or GithubAnswer(settings, why_not=why),)
    (finding,) = run_checks(scene, chosen_checks([check]))
    assert TOKEN not in repr(finding)
    return finding.outcome


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(Diagnosis, ServersDiagnosis), (Missing, ServersMissing), (Access, ServersAccess)],
)
def test_the_answer_is_read_as_the_server_writes_it(ours: Any, theirs: Any) -> None:
    written = {name for name, field in theirs.model_fields.items() if not field.exclude}
    assert set(ours.model_fields) == written


# --- without a running stack


@pytest.mark.parametrize("name", ["settings", "token", "reach", "rate", "rights", "repositories"])
def test_without_repositories_nothing_is_wrong_and_nothing_is_asked(name: str, tmp_path: Path) -> None:
    found = patient(tmp_path).look(f"github/{name}")
    assert found.verdict == "ok"
    assert "no repository is listed" in found.evidence
    assert not (tmp_path / "state").exists()


def test_without_the_server_nothing_is_wrong(tmp_path: Path) -> None:
    found = Patient(tmp_path)
    (found.workspace / "docgen.yaml").write_text("servers:\n  github: {enabled: false}\n")
    assert found.look("github/settings").evidence == "no server of the image github is switched on"
    assert found.look("github/token").verdict == "ok"


@pytest.mark.parametrize("name", ["reach", "rate", "rights", "repositories"])
def test_a_stack_that_was_never_started_leaves_unknown_what_only_github_can_tell(
    name: str, tmp_path: Path
) -> None:
    found = patient(tmp_path, repositories=["octo/demo"]).look(f"github/{name}")
    assert found.verdict == "unknown"
    assert found.evidence == "GitHub was not asked: this stack was never started"
    assert found.fix == "start it with: docgenctl up"
    assert not (tmp_path / "state").exists()


def test_the_kind_of_a_token_is_told_without_asking_anybody(tmp_path: Path) -> None:
    found = patient(tmp_path, repositories=["octo/demo"]).look("github/token")
    assert found.verdict == "unknown"
    assert found.evidence == (
        "GITHUB_TOKEN holds a classic token; whether GitHub takes it was not asked: "
        "this stack was never started"
    )


def test_a_missing_token_is_known_without_asking_anybody(tmp_path: Path) -> None:
    reading = patient(tmp_path, "", repositories=["octo/demo"]).look("github/token")
    assert reading.verdict == "warning"
    assert "60 requests an hour" in reading.evidence
    assert "docgenctl up" in reading.fix
    options = {"repositories": ["octo/*"], "read_only": False, "write_repositories": ["octo/demo"]}
    writing = patient(tmp_path, "", **options).look("github/token")
    assert writing.verdict == "problem"
    assert "nothing can be changed" in writing.evidence


def test_a_token_that_cannot_be_sent_is_known_without_asking_anybody(tmp_path: Path) -> None:
    found = patient(tmp_path, "'two words'", repositories=["octo/demo"]).look("github/token")
    assert found.verdict == "problem"
    assert "two words" not in repr(found)


def test_a_token_in_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    found = patient(tmp_path, repositories=["octo/demo"]).look("github/token", GITHUB_TOKEN="github_pat_x")
    assert "a fine-grained token" in found.evidence


def test_an_entry_with_a_variable_of_its_own_is_told_by_it(tmp_path: Path) -> None:
    found = Patient(tmp_path)
    entry = {
        "image": "github",
        "secrets": {"GITHUB_TOKEN": "reviewers-api-key"},
        "options": {"repositories": ["octo/demo"]},
    }
    servers = {"github": {"enabled": False}, "reviewers": entry}
    (found.workspace / "docgen.yaml").write_text(json.dumps({"servers": servers}))
    assert found.look("github/token", GITHUB_TOKEN=TOKEN).evidence.startswith("REVIEWERS_API_KEY is not set")
    assert "a fine-grained token" in found.look("github/token", REVIEWERS_API_KEY="github_pat_x").evidence


# --- settings


@pytest.mark.parametrize(
    ("options", "verdict", "words"),
    [
        ({}, "ok", "reads octo/demo of api.github.com; changes nothing; toolsets repos, contents"),
        ({"write_repositories": ["octo/demo"]}, "ok", "read_only wins over write_repositories"),
        (
            {"read_only": False, "write_repositories": ["OCTO/demo"], "confirm": "always"},
            "ok",
            "changes OCTO/demo, asks before every change",
        ),
        ({"read_only": False}, "warning", "write_repositories is empty"),
        (
            {"read_only": False, "write_repositories": ["octo/other"]},
            "warning",
            "octo/other cannot be changed, because they may not be read",
        ),
        ({"api_url": "http://ghe.example/api/v3"}, "warning", "the token travels unencrypted"),
        ({"api_url": "https://ghe.example/api/v3"}, "ok", "reads octo/demo of ghe.example"),
    ],
)
def test_settings_are_told_and_held_against_each_other(
    options: dict[str, Any], verdict: str, words: str, tmp_path: Path
) -> None:
    found = looked(patient(tmp_path, repositories=["octo/demo"], **options), "github/settings")
    assert (found.verdict, words in found.evidence) == (verdict, True), found
    assert bool(found.fix) is (verdict == "warning")


def test_a_running_server_with_other_settings_is_told(tmp_path: Path) -> None:
    found = patient(tmp_path, repositories=["octo/demo", "octo/new"], toolsets=["repos"])
    outcome = looked(found, "github/settings", a_diagnosis())
    assert (outcome.verdict, outcome.fix) == ("warning", "docgenctl up")
    assert "other repositories, toolsets than docgen.yaml" in outcome.evidence


def test_a_running_server_with_other_settings_says_nothing_of_the_way_to_github(tmp_path: Path) -> None:
    shut = a_diagnosis(
        reached=False, accepted=None, problem="The egress proxy says no. Hint: list a repository"
    )
    found = patient(tmp_path, repositories=["octo/demo", "octo/new"])
    outcome = looked(found, "github/reach", shut)
    assert (outcome.verdict, outcome.fix) == ("unknown", "docgenctl up")
    assert "not asked with the settings of docgen.yaml yet" in outcome.evidence


# --- token


def test_a_good_token_is_told_with_its_owner_scopes_and_end(tmp_path: Path) -> None:
    found = patient(tmp_path, repositories=["octo/demo"])
    assert looked(found, "github/token", a_diagnosis()).evidence == (
        "a classic token of octo, scopes repo; GitHub tells no end"
    )
    late = a_diagnosis(expires="2027-03-01T00:00:00Z", expires_in_days=90)
    assert looked(found, "github/token", late) == Outcome(
        verdict=looked(found, "github/token", a_diagnosis()).verdict,
        evidence="a classic token of octo, scopes repo; it ends on 2027-03-01",
    )


@pytest.mark.parametrize(("days", "verdict"), [(0, "warning"), (14, "warning"), (15, "ok")])
def test_a_token_that_ends_soon_is_a_warning(days: int, verdict: str, tmp_path: Path) -> None:
    ends = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    told = a_diagnosis(expires=ends, expires_in_days=days)
    found = looked(patient(tmp_path, repositories=["octo/demo"]), "github/token", told)
    assert found.verdict == verdict
    assert ("make another one" in found.fix) is (verdict == "warning")


def test_a_token_that_github_refuses_is_a_problem_with_a_way_out(tmp_path: Path) -> None:
    said = "GitHub does not accept the token (401): it is wrong, expired or revoked. Hint: put another"
    told = a_diagnosis(accepted=False, problem=said, rate=None, repositories=[], not_asked=["octo/demo"])
    found = patient(tmp_path, repositories=["octo/demo"])
    outcome = looked(found, "github/token", told)
    assert outcome.verdict == "problem"
    assert outcome.evidence.endswith("(401): it is wrong, expired or revoked")
    assert "docgenctl up" in outcome.fix
    # GitHub was reached; what it would say to another token is not known
    assert looked(found, "github/reach", told).verdict == "ok"
    assert looked(found, "github/rights", told).verdict == "unknown"
    assert looked(found, "github/repositories", told).verdict == "unknown"


def test_a_token_and_its_variable_that_do_not_agree_are_told(tmp_path: Path) -> None:
    found = patient(tmp_path, repositories=["octo/demo"])
    outcome = looked(found, "github/token", a_diagnosis(kind="none", login=None, scopes=None))
    assert (outcome.verdict, outcome.fix) == ("warning", "docgenctl up")
    assert "the running server has no token yet" in outcome.evidence
    other = looked(found, "github/token", a_diagnosis(kind="fine-grained"))
    assert (other.verdict, other.fix) == ("warning", "docgenctl up")
    assert "holds a classic token by now" in other.evidence
    (found.workspace / ".env").unlink()
    gone = looked(found, "github/token", a_diagnosis())
    assert gone.verdict == "warning"
    assert "the next up takes it away" in gone.evidence
    none = looked(found, "github/token", a_diagnosis(kind="none", login=None, scopes=None))
    assert "GITHUB_TOKEN is not set" in none.evidence


# --- reach, rate, rights, repositories


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        ({}, "ok", "api.github.com answers, through the egress proxy"),
        ({"egress_proxy": False}, "ok", "directly: there is no egress proxy here"),
        (
            {"reached": False, "accepted": None, "problem": "The egress proxy says no. Hint: open it"},
            "problem",
            "The egress proxy says no",
        ),
        (
            {"accepted": None, "problem": "GitHub answers 503 at the moment. Hint: later"},
            "problem",
            "GitHub answers 503",
        ),
        (
            {"reached": None, "accepted": None, "problem": "nothing is sent until noon."},
            "unknown",
            "nothing is sent until noon",
        ),
    ],
)
def test_the_way_to_github_is_judged(
    answer: dict[str, Any], verdict: str, words: str, tmp_path: Path
) -> None:
    found = looked(patient(tmp_path, repositories=["octo/demo"]), "github/reach", a_diagnosis(**answer))
    assert (found.verdict, words in found.evidence) == (verdict, True), found


@pytest.mark.parametrize(
    ("remaining", "verdict", "words"),
    [
        (4990, "ok", "4,990 of 5,000 requests are left until 2026-11-30 17:05 UTC"),
        (499, "warning", "499 of 5,000"),
        (0, "problem", "none of 5,000 requests is left until 2026-11-30 17:05 UTC"),
        (None, "ok", "keeps no count"),
    ],
)
def test_what_is_left_of_the_rate_is_judged(
    remaining: int | None, verdict: str, words: str, tmp_path: Path
) -> None:
    rate = None if remaining is None else {"limit": 5000, "remaining": remaining, "reset": RESET.isoformat()}
    found = looked(patient(tmp_path, repositories=["octo/demo"]), "github/rate", a_diagnosis(rate=rate))
    assert (found.verdict, words in found.evidence) == (verdict, True), found


def test_missing_rights_are_problems_with_the_tools_that_they_disable(tmp_path: Path) -> None:
    missing = [
        {
            "right": "scope repo",
            "repository": None,
            "disables": ["github_merge_pull", "github_commit_files"],
            "what": "nothing can be changed",
        },
        {"right": "permission Issues: read", "repository": "octo/demo", "disables": [], "what": "no"},
    ]
    found = looked(
        patient(tmp_path, repositories=["octo/demo"]), "github/rights", a_diagnosis(missing=missing)
    )
    assert found.verdict == "problem"
    assert found.evidence == "scope repo is missing: nothing can be changed, and 1 more"
    assert found.details == (
        "scope repo is missing: nothing can be changed",
        "  disables github_commit_files, github_merge_pull",
        "permission Issues: read is missing for octo/demo: no",
    )


def test_tools_are_called_by_the_names_that_clients_see(tmp_path: Path) -> None:
    scene = patient(tmp_path, repositories=["octo/demo"]).scene()
    (settings,) = github_settings(scene.opened())
    missing = [{"right": "r", "repository": None, "disables": ["github_get_pull"], "what": "w"}]
    told = Diagnosis.model_validate(a_diagnosis(missing=missing))
    scene.github = lambda: (GithubAnswer(settings, told, names={"github_get_pull": "pull"}),)
    (finding,) = run_checks(scene, chosen_checks(["github/rights"]))
    assert finding.outcome.details[1] == "  disables pull"


def test_what_github_does_not_say_is_said(tmp_path: Path) -> None:
    notes = ["GitHub does not say what a token of this kind may change: the first change shows it"]
    found = looked(patient(tmp_path, repositories=["octo/demo"]), "github/rights", a_diagnosis(notes=notes))
    assert found.verdict == "ok"
    assert found.evidence.endswith("the first change shows it")


def test_repositories_that_are_not_there_are_problems(tmp_path: Path) -> None:
    found = patient(tmp_path, repositories=["octo/demo", "octo/gone", "octo/*"])
    gone = {
        "full_name": "octo/gone",
        "reachable": False,
        "private": None,
        "push": None,
        "problem": "No. Hint",
    }
    told = a_diagnosis()
    lost = a_diagnosis(repositories=[*told["repositories"], gone])
    outcome = looked(found, "github/repositories", lost)
    assert outcome.verdict == "problem"
    assert outcome.evidence == "1 of 2 repositories cannot be reached, such as octo/gone"
    assert outcome.details == ("octo/gone: No. Hint",)
    fine = looked(found, "github/repositories", a_diagnosis(not_asked=["octo/*"]))
    assert (fine.verdict, fine.evidence) == (
        "ok",
        "1 reached, 1 of them private; not asked for: octo/*",
    )
    owners = a_diagnosis(repositories=[], not_asked=["octo/*"])
    assert "none is listed by its name: octo/*" in looked(found, "github/repositories", owners).evidence
    spared = looked(found, "github/repositories", a_diagnosis(repositories=[], not_asked=["octo/demo"]))
    assert spared.verdict == "unknown"


def test_several_servers_are_one_finding_of_the_gravest_verdict(tmp_path: Path) -> None:
    found = Patient(tmp_path)
    servers = {
        "github": {"options": {"repositories": ["octo/demo"]}},
        "ghe": {
            "image": "github",
            "options": {"repositories": ["a/b"], "api_url": "https://ghe.example/api/v3"},
        },
    }
    (found.workspace / "docgen.yaml").write_text(json.dumps({"servers": servers}))
    scene = found.scene()
    first, second = github_settings(scene.opened())
    told = Diagnosis.model_validate(a_diagnosis(api_host="ghe.example"))
    assert [first.name, second.name] == ["ghe", "github"]
    scene.github = lambda: (GithubAnswer(first, told), GithubAnswer(second, why_not=NOWHERE))
    (reach,) = run_checks(scene, chosen_checks(["github/reach"]))
    assert reach.outcome.evidence == (
        "ghe: ghe.example answers, through the egress proxy; "
        "github: GitHub was not asked: nothing answers at localhost:8080"
    )
    assert (reach.outcome.verdict, reach.outcome.fix) == ("unknown", "docgenctl up")
    scene.github = lambda: (GithubAnswer(first, why_not=NOWHERE), GithubAnswer(second, why_not=NOWHERE))
    (reach,) = run_checks(scene, chosen_checks(["github/reach"]))
    assert reach.outcome.evidence.startswith("ghe and github: GitHub was not asked: ")


# --- the way to the server


def routed(**more: Any) -> RouteTable:
    """What the orchestrator tells of a server with one tool."""
    tool = {
        "server": "github",
        "own_name": "github_diagnose",
        "name": "diag",
        "denied": False,
        "held": "",
        "standing": "known",
        "digest": "",
        "read_only": True,
        "timeout_s": 60.0,
        "rate": "",
        "endpoints": (),
        "findings": (),
        "definition": {},
    }
    server = {"name": "github", "down": "", "told": True, "changes": "report", "policy_without_tool": ()}
    server |= {key: value for key, value in more.items() if key in server}
    tools = (
        RoutedTool(**(tool | {key: value for key, value in more.items() if key in tool and key != "name"})),
    )
    return RouteTable(
        servers=(RoutedServer(**server, tools=more.get("tools", tools)),), endpoints=(), collisions={}, raw={}
    )


def test_a_server_that_may_read_nothing_is_not_asked_and_the_stack_not_looked_for(tmp_path: Path) -> None:
    opened = patient(tmp_path).scene().opened()
    (alone,) = ask_github_servers(opened)
    assert (alone.told, alone.why_not) == (None, None)
    nowhere = Endpoint(url="https://localhost:1/mcp", ca_file=tmp_path / "ca", api_key_file=tmp_path / "key")
    assert _answer(alone.settings, nowhere, routed(name="other")) == GithubAnswer(alone.settings)


@pytest.mark.parametrize(
    ("table", "words", "hint"),
    [
        (routed(name="other"), "no server github yet", "docgenctl up"),
        (routed(down="connection refused"), "cannot be reached: connection refused", "docgenctl health"),
        (
            routed(held="its definition changed"),
            "is held back: its definition",
            "docgenctl tools inspect diag",
        ),
        (routed(denied=True), "servers/github/tools does not offer github_diagnose", "docgenctl up"),
        (routed(tools=()), "is of another version", "docgenctl up"),
    ],
)
def test_why_a_server_cannot_be_asked_is_told_with_a_way_out(
    table: RouteTable, words: str, hint: str, tmp_path: Path
) -> None:
    (settings,) = github_settings(patient(tmp_path, repositories=["octo/demo"]).scene().opened())
    nowhere = Endpoint(url="https://localhost:1/mcp", ca_file=tmp_path / "ca", api_key_file=tmp_path / "key")
    answer = _answer(settings, nowhere, table)
    assert answer.told is None
    assert answer.why_not is not None
    assert words in answer.why_not.message
    assert hint in answer.why_not.hint
