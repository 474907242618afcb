"""Which tools there are: those of the toolsets that are switched on, and of these only what may be done."""

from collections.abc import Callable, Mapping

from docgen_github.diagnosis import add_diagnosis
from docgen_github.toolsets.checks import add_checks
from docgen_github.toolsets.contents import add_contents
from docgen_github.toolsets.contents_writes import add_contents_writes
from docgen_github.toolsets.issues import add_issues
from docgen_github.toolsets.issues_writes import add_issues_writes
from docgen_github.toolsets.kit import Kit
from docgen_github.toolsets.publish import add_publish
from docgen_github.toolsets.pulls import add_pulls
from docgen_github.toolsets.pulls_writes import add_pulls_writes
from docgen_github.toolsets.releases import add_releases, add_releases_writes
from docgen_github.toolsets.repos import add_repos, add_status
from docgen_github.toolsets.reviews_writes import add_reviews_writes

Add = Callable[[Kit], None]

TOOLSETS: Mapping[str, tuple[Add, ...]] = {
    "repos": (add_repos,),
    "contents": (add_contents, add_contents_writes),
    "pulls": (add_pulls, add_pulls_writes, add_reviews_writes),
    "issues": (add_issues, add_issues_writes),
    "checks": (add_checks,),
    "releases": (add_releases, add_releases_writes),
    "publish": (add_publish,),
}


def add_tools(kit: Kit) -> None:
    """Register the tools of every toolset that is switched on, and what tells of the server itself."""
    add_status(kit)
    add_diagnosis(kit)
    for toolset, adds in TOOLSETS.items():
        if kit.options.offers(toolset):
            for add in adds:
                add(kit)
