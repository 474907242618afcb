"""What the server does with users' templates, without the wire."""

import anyio
import pytest
from docgen_main.events import Hub
from docgen_main.user_templates import (
    ChangedTemplateError,
    RefusedTemplateError,
    RenderError,
    UnknownTemplateError,
    UserTemplates,
)

SLO = """\
+++
title = "Service level objectives"
description = "What the service promises."
kind = "slo"
file_name = "SLO.md"

[variables.owner]
question = "Who owns the service?"

[variables.tier]
choices = ["gold", "silver"]
default = "silver"
+++
# {{ title }}

## Owner

{{ owner }} owns it.

## Promise

{% if tier == "gold" %}99.9 %{% else %}99 %{% endif %}
"""


def no_facts() -> dict[str, object]:
    raise AssertionError("these templates do not ask for facts")


def test_a_declared_kind_is_offered_with_its_questions(templates: UserTemplates) -> None:
    templates.write("slo", SLO)
    (kind,) = templates.kinds()
    assert (kind.name, kind.title, kind.file_name) == ("slo", "Service level objectives", "SLO.md")
    assert (kind.template, kind.version) == ("slo", 1)
    assert [(v.name, v.required, v.default) for v in kind.variables] == [
        ("owner", True, None),
        ("tier", False, "silver"),
    ]


def test_rendering_gives_markdown_and_a_section_for_each_heading(templates: UserTemplates) -> None:
    templates.write("slo", SLO)
    filled = templates.render("slo", None, {"owner": "Team *A*", "tier": "gold"}, no_facts)
    assert filled.markdown == (
        "# Service level objectives\n\n## Owner\n\nTeam \\*A\\* owns it.\n\n## Promise\n\n99.9 %\n"
    )
    assert [(section.id, section.title) for section in filled.sections] == [
        ("opening", "Service level objectives"),
        ("owner", "Owner"),
        ("promise", "Promise"),
    ]
    assert "\n".join(section.markdown for section in filled.sections) == filled.markdown


def test_facts_are_asked_for_only_by_templates_that_use_them(templates: UserTemplates) -> None:
    templates.write("names", "{% for name in project.names %}\n- {{ name | code }}\n{% endfor %}\n")
    templates.write("outer", "{% include 'names' %}")
    for name in ("names", "outer"):
        filled = templates.render(name, None, {}, lambda: {"names": ["a`b", "{{ c }}"]})
        assert filled.markdown == "- ``a`b``\n- `{{ c }}`\n"
    assert filled.included == (("names", 1),)


def test_an_optional_variable_that_nobody_set_is_nothing(templates: UserTemplates) -> None:
    templates.write("t", "+++\n[variables.a]\nrequired = false\n+++\n[{{ a }}]{% if a %}set{% endif %}")
    assert templates.render("t", None, {}, no_facts).markdown == "[]\n"


def test_a_missing_answer_is_named_with_its_question(templates: UserTemplates) -> None:
    templates.write("slo", SLO)
    with pytest.raises(RefusedTemplateError, match=r"owner \(Who owns the service\?\)"):
        templates.render("slo", None, {"tier": "gold"}, no_facts)
    with pytest.raises(RefusedTemplateError, match="tier: must be one of gold, silver"):
        templates.render("slo", None, {"owner": "a", "tier": "tin"}, no_facts)


def test_a_variable_that_is_not_declared_is_refused_with_its_line(templates: UserTemplates) -> None:
    with pytest.raises(RefusedTemplateError, match="line 16: 'ownr'"):
        templates.write(
            "slo", SLO.replace("{{ owner }} owns", "{{ ownr }} owns").replace("# {{ title }}\n\n", "")
        )
    assert templates.names() == []


def test_a_fact_that_is_not_there_is_an_error_with_name_and_line(templates: UserTemplates) -> None:
    templates.write("t", "+++\ntitle = 'T'\n+++\n\n{{ project.nme }}")
    with pytest.raises(
        RenderError, match="template 't', line 5: there is no 'nme' here; there is files, name"
    ):
        templates.render("t", None, {}, lambda: {"name": "x", "files": 3})


def test_versions_are_kept_and_rolled_back_to(templates: UserTemplates, hub: Hub) -> None:
    templates.write("t", "one", expected=0, by="key-a", note="first")
    templates.write("t", "two", expected=1)
    with pytest.raises(ChangedTemplateError, match="is at version 2, but version 1 was expected"):
        templates.write("t", "three", expected=1)
    with pytest.raises(ChangedTemplateError, match="but it was expected not to exist"):
        templates.write("t", "three", expected=0)
    back = templates.rollback("t", 1, expected=2)
    assert (back.version.number, back.version.source) == (3, "one")
    assert [(v.number, v.by, v.note) for v in templates.history("t")] == [
        (1, "key-a", "first"),
        (2, "", ""),
        (3, "", "rolled back to version 1"),
    ]
    assert templates.render("t", 2, {}, no_facts).markdown == "two\n"
    with pytest.raises(UnknownTemplateError, match="has no version 9: kept are 1 to 3"):
        templates.render("t", 9, {}, no_facts)
    assert hub.last_id == 3


def test_a_deleted_template_is_gone_with_its_versions(templates: UserTemplates) -> None:
    templates.write("t", "one")
    templates.write("t", "two")
    assert templates.delete("t", expected=2) == 2
    with pytest.raises(UnknownTemplateError):
        templates.get("t")
    assert templates.write("t", "new", expected=0).version.number == 1


@pytest.mark.anyio
async def test_changes_are_told_to_whoever_listens(templates: UserTemplates, hub: Hub) -> None:
    with anyio.fail_after(10), hub.subscribe() as listener:
        templates.write("t", "one")
        templates.delete("t")
        events = aiter(listener)
        told = [(event.type, dict(event.data)) for event in (await anext(events), await anext(events))]
    assert told == [
        ("template.changed", {"name": "t", "version": 1}),
        ("template.deleted", {"name": "t", "version": 1}),
    ]


def test_a_kind_belongs_to_one_template_and_never_to_a_built_in_one(templates: UserTemplates) -> None:
    templates.write("slo", SLO)
    with pytest.raises(RefusedTemplateError, match="declared by template 'slo'"):
        templates.write("other", SLO)
    with pytest.raises(RefusedTemplateError, match="built in"):
        templates.write("other", SLO.replace('"slo"', '"readme"'))
    templates.write("slo", SLO + "More.\n")
