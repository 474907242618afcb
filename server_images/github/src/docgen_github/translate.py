"""From GitHub's shapes to ours: bounds every text and puts it below `untrusted`."""

from collections.abc import Iterable

from docgen_github import shapes
from docgen_github.untrusted import bounded, clip
from docgen_github.wire import WireFile, WirePull, WireRepository, WireReview

#: Bytes of UTF-8. A result travels twice (as text and as structured content), escaped, and must stay below
#: the 1 MiB that clients accept in one event.
TITLE_BYTES = 800
NAME_BYTES = 400
BODY_BYTES = 40_000
PATCH_BYTES = 30_000
PAGE_PATCH_BYTES = 100_000
LABEL_BYTES = 150
LABELS = 10

_DECISIONS = {"approved", "changes_requested", "dismissed"}


def repository_text(wire: WireRepository) -> shapes.RepositoryText:
    """Everything about a repository that people write."""
    return shapes.RepositoryText(
        description=clip(wire.description or "", TITLE_BYTES),
        homepage=clip(wire.homepage or "", NAME_BYTES),
        default_branch=clip(wire.default_branch, NAME_BYTES),
        language=clip(wire.language or "", NAME_BYTES),
        topics=[clip(topic, LABEL_BYTES) for topic in wire.topics[:20]],
    )


def repository(wire: WireRepository) -> shapes.Repository:
    """One repository."""
    return shapes.Repository(
        full_name=wire.full_name,
        visibility=wire.visibility or ("private" if wire.private else "public"),
        private=wire.private,
        archived=wire.archived,
        disabled=wire.disabled,
        fork=wire.fork,
        stars=wire.stargazers_count,
        forks=wire.forks_count,
        open_issues=wire.open_issues_count,
        created_at=wire.created_at,
        pushed_at=wire.pushed_at,
        untrusted=repository_text(wire),
    )


def listed(wire: WireRepository, allowed_by: str) -> shapes.ListedRepository:
    """One repository of an owner whose repositories are all allowed."""
    return shapes.ListedRepository(
        full_name=wire.full_name,
        allowed_by=allowed_by,
        private=wire.private,
        archived=wire.archived,
        fork=wire.fork,
        pushed_at=wire.pushed_at,
    )


def pull(wire: WirePull) -> shapes.Pull:
    """One pull request of a list, without its body."""
    return shapes.Pull(
        number=wire.number,
        state=wire.state,
        draft=wire.draft,
        author=wire.user.login if wire.user else None,
        head_sha=wire.head.sha,
        base_sha=wire.base.sha,
        head_repository=wire.head.repo.full_name if wire.head.repo else None,
        created_at=wire.created_at,
        updated_at=wire.updated_at,
        closed_at=wire.closed_at,
        merged_at=wire.merged_at,
        untrusted=shapes.PullText(
            title=clip(wire.title, TITLE_BYTES),
            head_branch=clip(wire.head.ref, NAME_BYTES),
            base_branch=clip(wire.base.ref, NAME_BYTES),
            labels=[clip(label.name, LABEL_BYTES) for label in wire.labels[:LABELS]],
        ),
    )


def pull_details(wire: WirePull, repository: str, reviews: shapes.Reviews) -> shapes.PullDetails:
    """One pull request with its body and counts."""
    summary = pull(wire)
    body, cut = bounded(wire.body or "", BODY_BYTES)
    values = dict(summary)
    values["untrusted"] = summary.untrusted.model_copy(update={"body": body, "body_truncated": cut})
    return shapes.PullDetails(
        **values,
        repository=repository,
        merged=bool(wire.merged) or wire.merged_at is not None,
        mergeable=wire.mergeable,
        mergeable_state=wire.mergeable_state or "unknown",
        commits=wire.commits or 0,
        additions=wire.additions or 0,
        deletions=wire.deletions or 0,
        changed_files=wire.changed_files or 0,
        comments=wire.comments or 0,
        review_comments=wire.review_comments or 0,
        reviews=reviews,
        requested_reviewers=[user.login for user in wire.requested_reviewers],
    )


def reviews(wires: Iterable[WireReview], *, complete: bool) -> shapes.Reviews:
    """Each reviewer counted once, by the last decision; a comment counts only where there is none."""
    last: dict[str, str] = {}
    for wire in wires:
        login, state = (wire.user.login if wire.user else ""), wire.state.lower()
        if state in _DECISIONS:
            last[login] = state
        elif state == "commented":
            last.setdefault(login, state)
    counts = {state: list(last.values()).count(state) for state in (*_DECISIONS, "commented")}
    return shapes.Reviews(**counts, complete=complete)


def changed_files(wires: Iterable[WireFile]) -> list[shapes.ChangedFile]:
    """The files of one page; their patches share one budget, the first come first."""
    left = PAGE_PATCH_BYTES
    files = []
    for wire in wires:
        patch, cut = (None, False) if wire.patch is None else bounded(wire.patch, min(PATCH_BYTES, left))
        left -= len((patch or "").encode())
        files.append(
            shapes.ChangedFile(
                status=wire.status,
                additions=wire.additions,
                deletions=wire.deletions,
                changes=wire.changes,
                blob_sha=wire.sha,
                untrusted=shapes.FileText(
                    filename=clip(wire.filename, NAME_BYTES),
                    previous_filename=clip(wire.previous_filename, NAME_BYTES)
                    if wire.previous_filename
                    else None,
                    patch=patch,
                    patch_truncated=cut,
                ),
            )
        )
    return files
