"""`python -m docgen_github`: what the container runs."""

from docgen_common.serve import serve
from docgen_common.settings import ServerSettings

from docgen_github.server import build_app


def main() -> None:
    """Serve until SIGTERM."""
    settings = ServerSettings.from_environment()
    serve(build_app(settings), settings)


if __name__ == "__main__":
    main()
