"""How often and after which pauses one model is asked again."""

import random
from dataclasses import dataclass

from docgen_main.language_models.failures import ModelError


@dataclass(frozen=True, slots=True)
class Patience:
    """Attempts for one section, the first pause (doubled each time), and the longest pause worth waiting."""

    attempts: int = 3
    first_pause_s: float = 0.5
    longest_pause_s: float = 20.0

    def pause_s(self, failure: ModelError, attempt: int) -> float | None:
        """Seconds before the attempt after number `attempt` (from 1); None when there is to be none.

        What the vendor asks for is honoured to the letter and a little more, so that callers who were told
        the same do not come back at once; where it is longer than we wait, the next model is asked.
        """
        if not failure.repeatable or attempt >= self.attempts:
            return None
        jitter = random.uniform(0.5, 1.0) * self.first_pause_s * 2.0 ** (attempt - 1)  # noqa: S311 - no secret
        if failure.retry_after_s is None:
            return min(jitter, self.longest_pause_s)
        return failure.retry_after_s + jitter if failure.retry_after_s <= self.longest_pause_s else None
