"""`docgenctl init`."""

from docgenctl.cli.app import new_app
from docgenctl.cli.console import Console
from docgenctl.cli.options import DryRun, Json, ProjectDir

app = new_app()


@app.command()
def init(project_dir: ProjectDir = None, dry_run: DryRun = False, json_mode: Json = False) -> None:
    """Write a docgen.yaml to start from."""
    from docgenctl.actions.open_project import locate
    from docgenctl.actions.write_starter import starter, write_starter

    console = Console(json_mode=json_mode)
    if dry_run:
        path, text = starter(locate(project_dir))
        _show_draft(str(path), text, console)
        return
    path = write_starter(locate(project_dir))
    if json_mode:
        console.json({"path": str(path)})
    else:
        console.line(str(path))
        console.note("Every setting stands in it with its default. Next: docgenctl up")


def _show_draft(path: str, text: str, console: Console) -> None:
    if console.json_mode:
        console.json({"path": path, "text": text})
        return
    console.line(text.rstrip("\n"))
    console.note(f"Nothing was written. `docgenctl init` would write the above to {path}.")
