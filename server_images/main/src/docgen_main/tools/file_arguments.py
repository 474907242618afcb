"""Arguments that several `files_` tools take."""

from typing import Annotated, Literal

from pydantic import Field

Encoding = Literal["utf-8", "base64"]

FilePath = Annotated[
    str, Field(description="Path from the top of the workspace, parts separated by '/'. Taken literally.")
]

ExpectedSha256 = Annotated[
    str | None,
    Field(
        pattern="^[0-9a-fA-F]{64}$",
        description="Do it only if the file has this hash now, as files_read or files_stat said",
    ),
]
