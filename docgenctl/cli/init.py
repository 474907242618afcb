"""`docgenctl init`."""

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import Json, ProjectDir

app = new_app()


@app.command()
def init(project_dir: ProjectDir = None, json_mode: Json = False) -> None:
    """Write a docgen.yaml to start from."""
    from docgenctl.actions.open_project import locate
    from docgenctl.actions.write_starter import write_starter

    console = Console(json_mode=json_mode)
    path = write_starter(locate(project_dir))
    if json_mode:
        console.json({"path": str(path)})
    else:
        console.line(str(path))
        console.note("Every setting stands in it with its default. Next: docgenctl up")
