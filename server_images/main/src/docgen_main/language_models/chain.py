"""A chain of models in front of the embedded writer.

Theory of operation. `write` asks one model after the other for the section. A model is passed over when its
provider rests (breaker, rate limit), when a budget does not hold the most that the request can take, or when
what it delivers is not a complete, supported section. Nothing of an answer is used before all of it is there
and checked, so a section is delivered once and whole; at the end of the chain stands the draft.
"""

from collections.abc import Callable, Sequence

import anyio
import anyio.to_thread
import structlog

from docgen_main.documents.writer import EMBEDDED, SectionRequest, SectionText, Usage
from docgen_main.language_models.asking import Member, Question
from docgen_main.language_models.blocks import Draft, put_together, take_apart
from docgen_main.language_models.claims import check, lost_names, spans
from docgen_main.language_models.configuration import Link
from docgen_main.language_models.failures import ModelError
from docgen_main.language_models.known import Names
from docgen_main.language_models.prompt import prompt_for
from docgen_main.language_models.purse import Purse, together
from docgen_main.language_models.retry import Patience

#: A section that lost more than this share of its names is not the same section.
_LOST_SHARE = 0.1
#: After so long no further model is asked: the gateway ends calls that are silent for ten minutes.
SECTION_S = 240.0
_log = structlog.stdlib.get_logger("docgen.models")


class ChainWriter:
    """Words the sections of one document; make one for each document."""

    def __init__(
        self, links: Sequence[Link], member: Callable[[str], Member], purse: Purse, patience: Patience
    ) -> None:
        self._links = tuple(links)
        self._member = member
        self._purse = purse
        self._patience = patience

    async def write(self, request: SectionRequest) -> SectionText:
        """The section, worded by the first model that does it; else the draft."""
        draft = take_apart(request.draft)
        usage, passed_over = Usage(), list[str]()
        latest = anyio.current_time() + SECTION_S
        for link in self._links if draft.prose else ():
            if anyio.current_time() > latest:
                passed_over.append(f"{link.name}: no time was left for it")
                continue
            member = self._member(link.provider)
            prompt = prompt_for(request, draft, member.configuration.max_output_tokens)
            question = Question(member, link.model, prompt, self._purse, self._patience)
            try:
                answer = await question.answer()
                # In a thread: a long section of a large project takes a tenth of a second.
                markdown, removed = await anyio.to_thread.run_sync(_accepted, answer, request, draft)
            except ModelError as failure:
                passed_over.append(f"{link.name}: {failure.reason}")
                _log.warning(
                    "model passed over", model=link.name, reason=failure.reason, section=request.section
                )
            else:
                usage = together(usage, question.usage)
                return SectionText(markdown, link.name, usage, tuple(passed_over), removed)
            usage = together(usage, question.usage)
        return SectionText(request.draft, EMBEDDED, usage, tuple(passed_over))


def _accepted(answer: str, request: SectionRequest, draft: Draft) -> tuple[str, tuple[str, ...]]:
    """The section in the model's words, and what was removed. Raises `ModelError` if too little is left."""
    names = Names(request.known, f"{request.draft}\n{request.title}\n{request.document}")
    checked = check(answer, names, [placeholder for placeholder, _ in draft.blocks])
    markdown = put_together(draft, checked.text)
    if not take_apart(markdown).prose:
        raise ModelError(
            "nothing was left of it once its claims were checked", blames_provider=False, billed=True
        )
    lost = lost_names(draft.prose, markdown)
    if len(lost) > _LOST_SHARE * spans(draft.prose):
        raise ModelError(f"it left out {len(lost)} of the names", blames_provider=False, billed=True)
    return markdown, checked.removed
