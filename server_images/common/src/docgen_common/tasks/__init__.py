"""The tasks extension of MCP (``io.modelcontextprotocol/tasks``): long tool calls that outlive their request.

Theory of operation. A tool that declares it (``Tasks(tools=…)``) still runs as a plain call at first; what
ends within the tool's patience, and questions that come in it, are answered plainly. What takes longer
becomes a task if the client knows the extension: a row in the store, then the answer with its id, while the
call goes on apart from the request. The client polls ``tasks/get``, answers questions with ``tasks/update``,
gives up with ``tasks/cancel``. A row belongs to the caller who made it, lives for its time, and survives the
process; the work does not, so what was at work when the process ended is found failed.
"""

from docgen_common.tasks.extension import TASKS, Tasks
from docgen_common.tasks.store import TaskStore

__all__ = ["TASKS", "TaskStore", "Tasks"]
