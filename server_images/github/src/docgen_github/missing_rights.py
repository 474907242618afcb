"""What a token lacks, and which tools cannot work for it."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from docgen_github import shapes
from docgen_github.errors import GitHubError, NotPermitted
from docgen_github.rights import Permission, Rights, in_need_of, offered
from docgen_github.toolsets.kit import Kit

#: Private repositories in which permissions are tried, one request for each permission.
PROBED = 2


class Access(shapes.Shape):
    """What the token may do with one repository that may be read by the options."""

    full_name: str
    reachable: bool
    private: bool | None = None
    push: bool | None = Field(
        None, description="Whether its account may write; null where GitHub does not say."
    )
    problem: str | None = Field(None, description="Why it cannot be reached.")
    default_branch: str = Field("", exclude=True)


class Missing(shapes.Shape):
    """A right that the token does not have and that something switched on needs."""

    right: str = Field(description="As GitHub calls it: scope repo, permission Issues: read, write access.")
    repository: str | None = Field(description="Where it is missing; null for everywhere.")
    disables: list[str] = Field(description="Tools of this server that cannot work without it.")
    what: str = Field(description="The same as a sentence.")


def missing_of(kit: Kit, scopes: Sequence[str] | None, access: Sequence[Access]) -> list[Missing]:
    """What is seen from the scopes and from what GitHub says of each repository."""
    tools = _tools(kit)
    writers = sorted(name for name, rights in tools.items() if rights.writes)
    if not kit.client.has_token:
        told = [_everywhere("a token", writers, "nothing can be changed")] if writers else []
    else:
        told = [] if scopes is None else _of_scopes(kit, frozenset(scopes), tools, writers, access)
    writable = {str(name).lower() for name in kit.options.writing.repositories.names} if writers else set()
    told += [
        Missing(
            right="write access",
            repository=one.full_name,
            disables=writers,
            what="the token's account may not write there, so nothing can be changed",
        )
        for one in access
        if one.push is False and one.full_name.lower() in writable
    ]
    return told


def notes_of(kit: Kit, scopes: Sequence[str] | None) -> list[str]:
    """What cannot be told, or is no defect."""
    if not kit.client.has_token:
        return ["without a token GitHub shows public repositories alone, and answers 60 requests an hour"]
    if scopes is None and kit.options.writing.writes:
        return ["GitHub does not say what a token of this kind may change: the first change shows it"]
    if scopes is not None and "repo" not in scopes and kit.options.policy.owners:
        return ["without the scope repo, owner/* holds public repositories alone"]
    return []


async def probed(kit: Kit, access: Sequence[Access]) -> list[Missing]:
    """What a token that names no scopes may not read, tried where only those who may do: in private ones."""
    seen = kit.client.token_seen
    if not kit.client.has_token or (seen and seen.scopes is not None):
        return []
    tools = _tools(kit)
    found: list[Missing] = []
    for one in [one for one in access if one.private][:PROBED]:
        for name, path in _probes(one).items():
            disables = in_need_of(tools, Permission(name))
            if disables and not await _may_read(kit, one.full_name, path):
                found.append(
                    Missing(
                        right=f"permission {Permission(name)}",
                        repository=one.full_name,
                        disables=disables,
                        what="the token may not read that",
                    )
                )
    return found


def _probes(one: Access) -> Mapping[str, tuple[str, ...]]:
    """Permission → what only those who have it may read in a private repository."""
    probes: dict[str, tuple[str, ...]] = {
        "Contents": ("branches",),
        "Pull requests": ("pulls",),
        "Issues": ("issues",),
    }
    if one.default_branch:
        probes["Checks"] = ("commits", one.default_branch, "check-runs")
        probes["Commit statuses"] = ("commits", one.default_branch, "status")
    return probes


async def _may_read(kit: Kit, full_name: str, path: tuple[str, ...]) -> bool:
    """False when GitHub says no; another failure (issues switched off, nothing in it) is no such answer."""
    try:
        await kit.client.get(
            ("repos", *full_name.split("/"), *path), {"per_page": 1}, what=f"{path[-1]} of {full_name}"
        )
    except NotPermitted:
        return False
    except GitHubError:
        return True
    return True


def _of_scopes(
    kit: Kit,
    scopes: frozenset[str],
    tools: Mapping[str, Rights],
    writers: list[str],
    access: Sequence[Access],
) -> list[Missing]:
    told = []
    if writers and not {"repo", "public_repo"} & scopes:
        told.append(_everywhere("scope repo", writers, "nothing can be changed"))
    elif "repo" not in scopes and any(not one.reachable for one in access):
        told.append(_everywhere("scope repo", [], "private repositories cannot be reached"))
    committing = [name for name in writers if tools[name].toolset in ("contents", "publish")]
    if kit.options.writing.workflow_files and committing and "workflow" not in scopes:
        told.append(
            _everywhere("scope workflow", committing, "files below .github/workflows cannot be changed")
        )
    return told


def _tools(kit: Kit) -> dict[str, Rights]:
    return offered(kit.options.toolsets, writes=kit.options.writing.writes)


def _everywhere(right: str, disables: list[str], what: str) -> Missing:
    return Missing(right=right, repository=None, disables=disables, what=what)
