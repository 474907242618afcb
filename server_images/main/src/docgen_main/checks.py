"""What `/health/ready` looks at: each check really does what the tools will do."""

import os
import tempfile

import anyio.to_thread
from docgen_common.health import Check, CheckResult

from docgen_main.settings import MainSettings
from docgen_main.workspace import Workspace, WorkspaceError, display


def readiness_checks(workspace: Workspace, settings: MainSettings) -> dict[str, Check]:
    """Checks by name; details name no path of the host."""

    def read() -> CheckResult:
        try:
            workspace.entries(())
        except WorkspaceError as error:
            return CheckResult(False, str(error))
        return CheckResult(True)

    def write() -> CheckResult:
        try:
            workspace.try_writing()
        except WorkspaceError as error:
            return CheckResult(False, str(error))
        return CheckResult(True, f"below {display(workspace.output)}")

    def scratch() -> CheckResult:
        try:
            with tempfile.TemporaryFile(dir=settings.scratch) as file:
                file.write(b"x")
        except OSError as error:
            return CheckResult(
                False, f"the scratch folder cannot be written to: {os.strerror(error.errno or 0)}"
            )
        return CheckResult(True)

    async def workspace_check() -> CheckResult:
        return await anyio.to_thread.run_sync(read)

    async def output_check() -> CheckResult:
        return await anyio.to_thread.run_sync(write)

    async def scratch_check() -> CheckResult:
        return await anyio.to_thread.run_sync(scratch)

    return {"workspace": workspace_check, "output": output_check, "scratch": scratch_check}
