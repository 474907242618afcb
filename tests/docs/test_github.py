"""docs/github.md against the server: tools, options, kinds of tokens, limits, checks."""

import inspect
import re

from docgen_github import confirmation, diagnosis, flows, missing_rights, options, reader
from docgen_github.client import Bounds
from docgen_github.rights import TOOLS
from docgen_github.toolsets import checks, contents, contents_writes, merge_facts, publish, pulls
from pydantic import TypeAdapter

from docgenctl.actions.doctor.catalogue import CHECKS
from docgenctl.images.facts import all_image_facts
from docgenctl.model.github_token import TOKEN_KINDS
from tests.servers.github.tool_names import READING, WRITING

from .documents import read, section, table

PAGE = read("github.md")
FACTS = all_image_facts()["github"]


def test_the_page_names_every_tool_and_none_that_is_not_there() -> None:
    named = set(re.findall(r"`(github_[a-z_]+)`", PAGE)) - set(TOKEN_KINDS)
    assert named == READING | WRITING
    rows = table(section(PAGE, "## Toolsets and tools"))
    assert [row[1] for row in rows] == list(TOOLS)


def test_the_page_names_every_option_and_its_default() -> None:
    silent = [name for name in FACTS.options if not re.search(rf"`{name}\b", PAGE)]
    assert silent == []
    toolsets = set(options.TOOLSETS) - set(FACTS.options["toolsets"].default)
    assert toolsets == {"publish"}
    assert FACTS.options["read_only"].default is True
    assert FACTS.options["confirm"].default == "grave"
    guards = section(PAGE, "## What guards changes")
    assert f"by default {FACTS.options['flow_minutes'].default}:" in guards
    assert f"for {confirmation.GOOD_S} seconds" in guards
    assert f"More than {flows.MOST} repositories" in guards
    assert [secret.environment for secret in FACTS.secrets] == ["GITHUB_TOKEN"]


def test_the_kinds_of_tokens_are_those_that_are_told_apart() -> None:
    assert [row[1] for row in table(section(PAGE, "## The token"))] == sorted(
        TOKEN_KINDS, key=["ghp_", "github_pat_", "gho_", "ghu_", "ghs_"].index
    )


def test_every_check_of_github_is_explained() -> None:
    rows = table(section(PAGE, "## Doctor github"))
    assert [row[0] for row in rows] == [f"{c.area}/{c.name}" for c in CHECKS if c.area == "github"]
    told = section(PAGE, "## Doctor github")
    assert f"asks for {diagnosis.MOST} repositories at most" in told
    seconds = diagnosis.FIRST_S + diagnosis.REST_S
    assert f"give it {seconds:g} seconds for all answers" in read("doctor.md")
    assert f"first {['no', 'one', 'two'][missing_rights.PROBED]} private repositories" in told


LIMITS = {
    "one answer of GitHub": f"{Bounds().body_bytes // 2**20} MiB",
    "one question with its repetitions": f"{Bounds().total_s:g} s",
    "one request of a change, with looking and repeating": f"{Bounds().write_s:g} s",
    "text of a file, or a diff, in one answer": f"{contents.CONTENT_BYTES:,} bytes; `offset` reads on",
    "files of one commit": f"100, of {contents_writes.COMMIT_BYTES // 2**20} MiB together",
    "documents of one publication": "50",
    "repositories of one owner that are listed": f"{reader.OWNER_PAGES * 100:,}",
    "reviews, checks and statuses that a merge looks at": f"{merge_facts.PAGES * 100:,} of each; "
    "with more nothing is merged",
    "repositories that a diagnosis asks for": f"{diagnosis.MOST}",
    "waiting for checks": "25 minutes",
}


def test_limits_are_those_of_the_code() -> None:
    assert {row[0]: row[1] for row in table(section(PAGE, "## Limits"))} == LIMITS
    assert contents.CONTENT_BYTES == pulls.DIFF_BYTES


def test_limits_that_are_written_into_arguments_are_those_of_the_page() -> None:
    assert TypeAdapter(publish.Documents).json_schema()["maxItems"] == 50
    for files in (contents_writes.Files, contents_writes.Paths):
        assert TypeAdapter(files).json_schema()["maxItems"] == 100
    assert "le=1500" in inspect.getsource(checks)
    assert f"within {Bounds().wait_budget_s:g} seconds is waited out" in section(PAGE, "## Limits")
