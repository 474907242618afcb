"""Pictures that clients may show: drawn here, in the reply itself, so that nothing has to be fetched."""

from urllib.parse import quote

from mcp_types import Icon


def _icon(*paths: str) -> Icon:
    drawn = "".join(f'<path d="{path}"/>' for path in paths)
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#3b6ea8" '
        f'stroke-width="2" stroke-linejoin="round">{drawn}</svg>'
    )
    return Icon(src="data:image/svg+xml," + quote(picture), mime_type="image/svg+xml", sizes=["any"])


DOCUMENT_ICON = _icon("M6 2h8l5 5v15H6z", "M14 2v5h5M9 12h7M9 16h7")
FILE_ICON = _icon("M3 5h6l2 3h10v12H3z")
TEMPLATE_ICON = _icon("M4 3h16v18H4z", "M4 9h16M10 9v12")
