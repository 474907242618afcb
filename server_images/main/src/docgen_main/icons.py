"""Pictures that clients may show: drawn here, in the reply itself, so that nothing has to be fetched."""

from urllib.parse import quote

from mcp_types import Icon

_PAGE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#3b6ea8" '
    'stroke-width="2" stroke-linejoin="round"><path d="M6 2h8l5 5v15H6z"/>'
    '<path d="M14 2v5h5M9 12h7M9 16h7"/></svg>'
)
DOCUMENT_ICON = Icon(src="data:image/svg+xml," + quote(_PAGE), mime_type="image/svg+xml", sizes=["any"])
