"""A readiness note for each provider. None closes the server: documents come out without any model."""

from collections.abc import Mapping

from docgen_common.health import Check, CheckResult

from docgen_main.language_models.failures import ModelError
from docgen_main.language_models.models import LanguageModels


def model_checks(models: LanguageModels) -> dict[str, Check]:
    """`model-<provider>` → what is known of it without asking it; empty where no models are configured."""
    return {f"model-{name}": _check(models, name) for name in models.configuration.providers}


def _check(models: LanguageModels, name: str) -> Check:
    async def check() -> CheckResult:
        member = models.member(name)
        try:
            member.current_key()
        except ModelError as failure:
            return CheckResult(False, failure.reason)
        if seconds := member.breaker.rests_s:
            return CheckResult(False, f"left alone for {seconds:.0f} s: {member.breaker.reason}")
        return CheckResult(True, member.breaker.reason)

    return check


def ready_without_models(results: Mapping[str, CheckResult]) -> bool:
    """Whether everything but the models is well."""
    return all(result.ok for name, result in results.items() if not name.startswith("model-"))
