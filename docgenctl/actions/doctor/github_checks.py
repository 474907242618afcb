"""Checks of the servers of the image `github`: what may be done there, and whether GitHub lets it be done.

All but the settings are GitHub's own word, asked for once by the running server. Where it does not run, the
checks say what settings and variables alone can tell.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from docgenctl.actions.doctor.github_answers import Diagnosis, GithubAnswer, GithubSettings, Missing
from docgenctl.actions.doctor.scene import Scene
from docgenctl.model.diagnosis import Outcome, Verdict, ok, problem, unknown, warning

#: A token that ends within so many days is told.
SOON_DAYS = 14
#: Told when less than this part of the requests is left.
_FEW = 0.1
_SHOWN = 5
_RANK = (Verdict.OK, Verdict.UNKNOWN, Verdict.WARNING, Verdict.PROBLEM)
_KINDS = {
    "classic": "a classic token",
    "fine-grained": "a fine-grained token",
    "oauth": "a token of an OAuth app",
    "app-user": "a token of an app for a user",
    "app-installation": "a token of an app's installation",
    "unknown": "a token of no kind that its prefix would tell",
}


def settings(scene: Scene) -> Outcome:
    """What the options allow, and whether they agree with each other and with what runs."""
    found = scene.github()
    if not found:
        return ok("no server of the image github is switched on")
    return _together((answer.settings.name, _settings(answer)) for answer in found)


def token(scene: Scene) -> Outcome:
    """There is a token, GitHub takes it, and it does not end soon."""
    return _each(scene, _token)


def reach(scene: Scene) -> Outcome:
    """GitHub answers, by the way that the server takes."""
    return _each(scene, lambda answer: _with_answer(answer, lambda told: _reach(told, answer.settings)))


def rate(scene: Scene) -> Outcome:
    """Requests are left."""
    return _each(scene, lambda answer: _with_answer(answer, _rate))


def rights(scene: Scene) -> Outcome:
    """The token has what the tools need that are switched on."""
    return _each(scene, lambda answer: _with_answer(answer, lambda told: _rights(told, answer)))


def repositories(scene: Scene) -> Outcome:
    """Every repository that the options name is there for the token."""
    return _each(scene, lambda answer: _with_answer(answer, _repositories))


def _each(scene: Scene, look: Callable[[GithubAnswer], Outcome]) -> Outcome:
    used = [answer for answer in scene.github() if answer.settings.used]
    if not used:
        return ok("GitHub is not used: no repository is listed")
    return _together((answer.settings.name, look(answer)) for answer in used)


def _together(outcomes: Iterable[tuple[str, Outcome]]) -> Outcome:
    """The outcomes of several servers as one: the gravest verdict, and every name."""
    found = list(outcomes)
    if len(found) == 1:
        return found[0][1]
    _, gravest = max(found, key=lambda one: _RANK.index(one[1].verdict))
    said: dict[str, list[str]] = {}
    for name, outcome in found:
        said.setdefault(outcome.evidence, []).append(name)
    return Outcome(
        verdict=gravest.verdict,
        evidence="; ".join(f"{' and '.join(names)}: {evidence}" for evidence, names in said.items()),
        fix=gravest.fix,
        details=tuple(f"{name}: {line}" for name, outcome in found for line in outcome.details),
    )


def _with_answer(answer: GithubAnswer, look: Callable[[Diagnosis], Outcome]) -> Outcome:
    if answer.told is not None:
        return look(answer.told)
    return unknown(f"GitHub was not asked: {_why(answer)}", fix=_how(answer))


def _why(answer: GithubAnswer) -> str:
    return answer.why_not.message if answer.why_not else "nothing could be asked"


def _how(answer: GithubAnswer) -> str:
    return (answer.why_not.hint if answer.why_not else "") or "docgenctl up"


# --- settings


def _settings(answer: GithubAnswer) -> Outcome:
    found = answer.settings
    if not found.used:
        return ok(
            f"no repository is listed under {found.option('repositories')}, so nothing is asked of GitHub"
        )
    told = answer.told
    if told is not None and (differing := _differing(found, told)):
        return warning(
            f"the running server still has other {', '.join(differing)} than docgen.yaml", fix="docgenctl up"
        )
    evidence = f"reads {_some(found.items('repositories'))} of {found.host}; {_changes(found)}"
    if found.kind != "none" and str(found.options.get("api_url", "")).startswith("http://"):
        return warning(
            f"{evidence}; the token travels unencrypted, since the address begins with http://",
            fix=f"write https:// in {found.option('api_url')}",
        )
    if found.writes and (closed := _not_readable(found)):
        return warning(
            f"{evidence}; {_some(closed)} cannot be changed, because they may not be read",
            fix=f"list them under {found.option('repositories')} too; then: docgenctl up",
        )
    if found.options.get("read_only") is False and not found.items("write_repositories"):
        return warning(
            f"{evidence}: {found.option('write_repositories')} is empty",
            fix="list the repositories that may be changed; or set read_only to true",
        )
    return ok(f"{evidence}; toolsets {', '.join(found.items('toolsets'))}")


def _changes(found: GithubSettings) -> str:
    if found.writes:
        asked = {"grave": "asks before grave changes", "always": "asks before every change"}
        first = asked.get(str(found.options.get("confirm")), "never asks first")
        return f"changes {_some(found.items('write_repositories'))}, {first}"
    if found.items("write_repositories"):
        return "changes nothing: read_only wins over write_repositories"
    return "changes nothing"


def _not_readable(found: GithubSettings) -> list[str]:
    """Entries for writing that no entry for reading covers."""
    readable = {entry.lower() for entry in found.items("repositories")}
    return [
        entry
        for entry in found.items("write_repositories")
        if entry.lower() not in readable and f"{entry.lower().partition('/')[0]}/*" not in readable
    ]


def _differing(found: GithubSettings, told: Diagnosis) -> list[str]:
    """Options whose values in the running server are others."""
    here = {
        "repositories": _folded(found.items("repositories")),
        "write_repositories": _folded(found.items("write_repositories")),
        "toolsets": _folded(found.items("toolsets")),
        "read_only": found.options.get("read_only"),
        "api_url": found.host,
    }
    there = {
        "repositories": _folded(told.allowed),
        "write_repositories": _folded(told.writable),
        "toolsets": _folded(told.toolsets),
        "read_only": told.read_only,
        "api_url": told.api_host,
    }
    return [name for name, value in here.items() if value != there[name]]


def _folded(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}


# --- token


def _token(answer: GithubAnswer) -> Outcome:
    found, told = answer.settings, answer.told
    if told is None:
        return _token_unasked(answer)
    if told.kind == "none" and found.kind != "none":
        return warning(
            f"{found.variable} is set, and the running server has no token yet", fix="docgenctl up"
        )
    if told.kind == "none":
        return _no_token(found)
    if found.kind not in ("none", told.kind):
        return warning(
            f"{found.variable} holds {_KINDS[found.kind]} by now, and the running server still has another",
            fix="docgenctl up",
        )
    what = _KINDS.get(told.kind, _KINDS["unknown"])
    if told.accepted is not True:
        return _not_accepted(found, told, what)
    if found.kind == "none":
        return warning(
            f"the running server has {what}, and {found.variable} is not set: the next up takes it away",
            fix=f"set {found.variable}, in the environment or in .env",
        )
    return _its_end(found, told, what)


def _token_unasked(answer: GithubAnswer) -> Outcome:
    found = answer.settings
    if found.kind == "none":
        return _no_token(found)
    if not found.sendable:
        return problem(f"{found.variable} holds characters that no GitHub token has", fix=_another(found))
    what = _KINDS[found.kind]
    return unknown(
        f"{found.variable} holds {what}; whether GitHub takes it was not asked: {_why(answer)}",
        fix=_how(answer),
    )


def _no_token(found: GithubSettings) -> Outcome:
    fix = f"set {found.variable}, in the environment or in .env; then: docgenctl up"
    if found.writes:
        return problem(f"{found.variable} is not set, so nothing can be changed", fix=fix)
    return warning(
        f"{found.variable} is not set: public repositories alone, and 60 requests an hour", fix=fix
    )


def _not_accepted(found: GithubSettings, told: Diagnosis, what: str) -> Outcome:
    said, _ = _parted(told.problem)
    if told.accepted is False:
        return problem(f"{what}: {said}", fix=_another(found))
    return unknown(f"{what}; whether GitHub takes it did not show: {said}")


def _its_end(found: GithubSettings, told: Diagnosis, what: str) -> Outcome:
    whose = f" of {told.login}" if told.login else ""
    scopes = "" if told.scopes is None else f", scopes {', '.join(told.scopes) or 'none'}"
    if told.expires is None or told.expires_in_days is None:
        return ok(f"{what}{whose}{scopes}; GitHub tells no end")
    end = f"it ends on {told.expires:%Y-%m-%d}"
    if told.expires_in_days > SOON_DAYS:
        return ok(f"{what}{whose}{scopes}; {end}")
    left = f"in {told.expires_in_days} days" if told.expires_in_days > 1 else "within two days"
    return warning(f"{what}{whose}{scopes}; {end}, {left}", fix=_another(found))


def _another(found: GithubSettings) -> str:
    return f"make another one at GitHub and put it into {found.variable}; then: docgenctl up"


# --- what GitHub says


def _reach(told: Diagnosis, found: GithubSettings) -> Outcome:
    said, hint = _parted(told.problem)
    if told.reached is not True and _differing(found, told):
        # What the server was started with says nothing about what docgen.yaml says by now.
        return unknown(f"{found.host} was not asked with the settings of docgen.yaml yet", fix="docgenctl up")
    if told.reached is None:
        return unknown(f"{told.api_host} was not asked: {said}", fix=hint)
    if told.reached is False or (told.problem and told.accepted is None):
        return problem(said, fix=hint)
    way = "through the egress proxy" if told.egress_proxy else "directly: there is no egress proxy here"
    return ok(f"{told.api_host} answers, {way}")


def _rate(told: Diagnosis) -> Outcome:
    found = told.rate
    if found is None:
        said, hint = _parted(told.problem)
        return unknown(said, fix=hint) if said else ok(f"{told.api_host} keeps no count of requests")
    until = f"until {_clock(found.reset)}"
    if found.remaining == 0:
        more = "; with a token it allows far more" if told.kind == "none" else ""
        return problem(f"none of {found.limit:,} requests is left {until}{more}", fix="wait until then")
    left = f"{found.remaining:,} of {found.limit:,} requests are left {until}"
    return warning(left) if found.remaining < found.limit * _FEW else ok(left)


def _rights(told: Diagnosis, answer: GithubAnswer) -> Outcome:
    if told.accepted is not True:
        return unknown(f"not told: {_parted(told.problem)[0] or 'GitHub did not take the token'}")
    if not told.missing:
        return ok("; ".join(("nothing that is switched on is seen to lack a right", *told.notes)))
    first = told.missing[0]
    more = f", and {len(told.missing) - 1} more" if len(told.missing) > 1 else ""
    return problem(
        f"{_lacking(first)}{more}",
        *(line for missing in told.missing for line in _disabled(missing, answer)),
        fix="give the token these rights at GitHub; or put another one into "
        f"{answer.settings.variable}, then: docgenctl up",
    )


def _lacking(missing: Missing) -> str:
    where = f" for {missing.repository}" if missing.repository else ""
    return f"{missing.right} is missing{where}: {missing.what}"


def _disabled(missing: Missing, answer: GithubAnswer) -> list[str]:
    tools = ", ".join(sorted(map(answer.tool, missing.disables)))
    return [_lacking(missing), *([f"  disables {tools}"] if tools else [])]


def _repositories(told: Diagnosis) -> Outcome:
    lost = [one for one in told.repositories if not one.reachable]
    if lost:
        return problem(
            f"{len(lost)} of {len(told.repositories)} repositories cannot be reached, such as"
            f" {lost[0].full_name}",
            *(f"{one.full_name}: {_parted(one.problem)[0]}" for one in lost),
            fix="correct the name in docgen.yaml, or let the token see it",
        )
    names = [entry for entry in told.not_asked if not entry.endswith("/*")]
    if told.accepted is not True:
        return unknown(f"not asked: {_parted(told.problem)[0] or 'GitHub did not take the token'}")
    if names and not told.repositories:
        return unknown(f"not asked for, to spare the requests that are left: {_some(names)}")
    if not told.repositories:
        return ok(f"none is listed by its name: {_some(told.not_asked)} was not asked for")
    private = sum(one.private is True for one in told.repositories)
    owners = [entry for entry in told.not_asked if entry.endswith("/*")]
    rest = f"; not asked for: {_some([*names, *owners])}" if told.not_asked else ""
    return ok(f"{len(told.repositories)} reached, {private} of them private{rest}")


def _parted(said: str | None) -> tuple[str, str]:
    """Sentence and hint, which servers write into one line; without the full stop."""
    sentence, _, hint = (said or "").partition(" Hint: ")
    return sentence.rstrip("."), hint


def _some(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return f"{', '.join(every[:_SHOWN])}{more}"


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
