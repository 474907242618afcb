"""Every tool of the server, so that one that comes, goes, or says another thing of itself is noticed."""

ALL_TOOLSETS = ["repos", "contents", "pulls", "issues", "checks", "releases", "publish"]

READING = {
    f"github_{name}"
    for name in (
        "compare",
        "diagnose",
        "get_file",
        "get_issue",
        "get_pull",
        "get_pull_diff",
        "get_pull_files",
        "get_repository",
        "get_tree",
        "list_branches",
        "list_checks",
        "list_issue_comments",
        "list_issues",
        "list_pull_comments",
        "list_pulls",
        "list_releases",
        "list_repositories",
        "list_reviews",
        "search_repositories",
        "status",
        "wait_for_checks",
    )
}

#: What may take something away, and what comes to the same when it is called twice.
DESTRUCTIVE = {
    f"github_{name}"
    for name in (
        "close_issue",
        "close_pull",
        "commit_files",
        "delete_branch",
        "delete_files",
        "dismiss_review",
        "label",
        "merge_pull",
        "update_issue",
        "update_pull",
    )
}

IDEMPOTENT = {
    f"github_{name}"
    for name in (
        "close_issue",
        "close_pull",
        "create_branch",
        "create_pull",
        "create_release",
        "delete_branch",
        "dismiss_review",
        "label",
        "merge_pull",
        "publish_documents",
        "request_reviewers",
        "submit_review",
        "update_issue",
        "update_pull",
    )
}

WRITING = (
    DESTRUCTIVE
    | IDEMPOTENT
    | {
        f"github_{name}"
        for name in (
            "comment_issue",
            "comment_pull",
            "create_issue",
            "create_review",
            "update_pull_branch",
        )
    }
)
