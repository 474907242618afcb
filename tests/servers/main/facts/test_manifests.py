"""Manifests and task files of each ecosystem."""

from pathlib import Path

import pytest
from docgen_main.facts import Project
from docgen_main.facts.manifests import is_member, read_manifest
from docgen_main.facts.model import Dependency, Manifest
from docgen_main.workspace import Workspace

from tests.servers.main.conftest import write_files


def read(path: str, text: str) -> Manifest:
    manifest = read_manifest(path, text)
    assert manifest is not None
    return manifest


def declared(manifest: Manifest) -> list[tuple[str, str, str]]:
    return [(d.name, d.constraint, d.group) for d in manifest.dependencies]


def test_setup_py_is_read_as_far_as_it_is_plain_and_never_run(tmp_path: Path) -> None:
    manifest = read(
        "setup.py",
        f"""
import setuptools
open({str(tmp_path / "ran")!r}, "w")
NEEDS = ["click>=8", "attrs"]
setuptools.setup(
    name="pier", version=compute(), description="Boats.", python_requires=">=3.9",
    install_requires=NEEDS + ["rich"],
    extras_require={{"dev": ["pytest>=7"], "all": other}},
    entry_points={{"console_scripts": ["pier = pier.cli:main"]}},
)
""",
    )
    assert not (tmp_path / "ran").exists()
    assert (manifest.name, manifest.version, manifest.runtime) == ("pier", "", ">=3.9")
    assert declared(manifest) == [
        ("click", ">=8", ""), ("attrs", "", ""), ("rich", "", ""), ("pytest", ">=7", "dev"),
    ]  # fmt: skip
    assert [(entry.line, entry.help) for entry in manifest.entries] == [("pier", "pier.cli:main")]


def test_pyproject_in_its_dialects() -> None:
    standard = read(
        "pyproject.toml",
        '[project]\nname = "pier"\ndependencies = ["attrs", "virtualenv>=20; python_version<\'3.15\'",'
        ' "virtualenv>=21; python_version>=\'3.15\'", "coverage [toml] >=7"]\n'
        "[dependency-groups]\ntest = ['pytest', {include-group = 'lint'}]\n"
        "[tool.poe.tasks]\nlint = 'ruff check'\n"
        "ship.cmd = 'twine upload'\nship.help = 'Publish'\n_hidden = 'x'\n",
    )
    assert declared(standard) == [
        ("attrs", "", ""), ("virtualenv", ">=20", ""), ("coverage", ">=7", ""), ("pytest", "", "test"),
    ]  # fmt: skip
    assert [(c.line, c.help) for c in standard.commands] == [
        ("poe lint", "ruff check"),
        ("poe ship", "Publish"),
    ]
    poetry = read(
        "pyproject.toml",
        "[tool.poetry]\nname = 'pier'\n[tool.poetry.dependencies]\npython = '^3.9'\nrich = '^13'\n"
        "[tool.poetry.group.dev.dependencies]\npytest = {version = '^8', optional = true}\n",
    )
    assert declared(poetry) == [("rich", "^13", ""), ("pytest", "^8", "dev")]
    assert poetry.runtime == "^3.9"


def test_package_json_knows_its_package_manager_and_workspaces() -> None:
    manifest = read(
        "packages/a/package.json",
        '{"name": "@acme/a", "packageManager": "pnpm@9.1.0", "scripts": {"build": "tsc", "test": "vitest"},'
        ' "bin": "cli.js", "workspaces": {"packages": ["plugins/*"]},'
        ' "optionalDependencies": {"fsevents": "^2"}}',
    )
    assert [c.line for c in manifest.commands] == [
        "pnpm --dir packages/a run build",
        "pnpm --dir packages/a test",
    ]
    assert [(entry.line, entry.help) for entry in manifest.entries] == [("a", "cli.js")]
    assert manifest.members == ("plugins/*",)
    assert declared(manifest) == [("fsevents", "^2", "optional")]


@pytest.mark.parametrize(
    ("directory", "named"),
    [
        ("packages/a", True),
        ("packages/a/test/b", False),
        ("packages", False),
        ("", False),
        ("apps/web", True),
    ],
)
def test_patterns_of_a_workspace_name_directories(directory: str, named: bool) -> None:
    assert is_member(directory, ["./packages/*", "apps/web", "*a*a*a*a*b"]) is named


def test_cargo_has_renamed_inherited_and_conditional_dependencies() -> None:
    manifest = read(
        "Cargo.toml",
        "[package]\nname = 'pier'\nversion.workspace = true\n[workspace]\nmembers = ['crates/*']\n"
        "[workspace.package]\nversion = '1.2.0'\n[workspace.dependencies]\nserde = '1'\n"
        "[dependencies]\njson = {package = 'serde_json', version = '1.0'}\nserde.workspace = true\n"
        "[target.'cfg(unix)'.dependencies]\nnix = '0.29'\n"
        "[build-dependencies]\ncc = '1'\n[[bin]]\nname = 'dock'\n",
    )
    assert manifest.version == "1.2.0"
    assert declared(manifest) == [
        ("serde_json", "1.0", ""), ("serde", "", ""), ("cc", "1", "build"), ("nix", "0.29", ""),
        ("serde", "1", "workspace"),
    ]  # fmt: skip
    assert [entry.line for entry in manifest.entries] == ["dock"]


def test_maven_fills_in_its_own_properties() -> None:
    manifest = read(
        "pom.xml",
        "<project xmlns='http://maven.apache.org/POM/4.0.0'><parent><groupId>org.acme</groupId>"
        "<artifactId>p</artifactId><version>2.0</version></parent><artifactId>pier</artifactId>"
        "<properties><maven.compiler.release>21</maven.compiler.release>"
        "<gson.version>2.11</gson.version></properties>"
        "<dependencies><dependency><groupId>${project.groupId}</groupId><artifactId>dock</artifactId>"
        "<version>${project.version}</version></dependency>"
        "<dependency><groupId>g</groupId><artifactId>gson</artifactId>"
        "<version>${gson.version}</version><scope>test</scope></dependency></dependencies></project>",
    )
    assert (manifest.name, manifest.version, manifest.runtime) == ("pier", "2.0", "Java 21")
    assert declared(manifest) == [("org.acme:dock", "2.0", ""), ("g:gson", "2.11", "test")]


def test_gradle_builds_catalogs_and_settings() -> None:
    build = read(
        "app/build.gradle.kts",
        'dependencies {\n    classpath("g:plugin:1")\n'
        '    implementation(platform("g:bom:2"))\n    api("g:api:$v")\n'
        '    // implementation("g:commented:1")\n    androidTestImplementation("g:espresso:3")\n'
        '    kapt("g:kapt:1")\n    implementation(project(":other"))\n    compileOnly "g:given:1"\n}\n',
    )
    assert declared(build) == [
        ("g:plugin", "1", "build"), ("g:bom", "2", ""), ("g:api", "$v", ""), ("g:espresso", "3", "test"),
        ("g:kapt", "1", "build"), ("g:given", "1", "provided"),
    ]  # fmt: skip
    catalog = read(
        "gradle/libs.versions.toml",
        "[versions]\nkotlin = '2.0'\n[libraries]\nstd = {module = 'k:stdlib', version.ref = 'kotlin'}\n"
        "okio = 'sq:okio:3.9'\nrx = {group = 'io', name = 'rx', version = '3'}\n",
    )
    assert declared(catalog) == [
        ("k:stdlib", "2.0", "catalog"), ("sq:okio", "3.9", "catalog"), ("io:rx", "3", "catalog"),
    ]  # fmt: skip
    assert read("settings.gradle", "rootProject.name = 'pier'\n").name == "pier"


def test_what_cannot_be_parsed_is_no_manifest() -> None:
    broken = {"setup.py": "setup(", "Cargo.toml": "[", "pom.xml": "<!DOCTYPE x>", "package.json": "{"}
    assert [read_manifest(path, text) for path, text in broken.items()] == [None] * 4
    assert read("build.gradle", "implementation('a:b:c')\n" * 3).dependencies == (Dependency("a:b", "c"),)


def test_tasks_of_runners_and_scripts_of_a_workspace_are_commands(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "package.json": '{"name": "all", "workspaces": ["packages/*"], "scripts": {"lint": "eslint ."}}',
            "packages/a/package.json": '{"name": "a", "scripts": {"build": "tsc"}}',
            "examples/b/package.json": '{"name": "b", "scripts": {"demo": "node ."}}',
            "noxfile.py": "import nox\n@nox.session(name='unit')\n"
            "def run(session):\n    '''Runs them. All.'''\n"
            "@nox.session\ndef docs(session): ...\n@other\ndef no(session): ...\n",
            "tox.ini": "[tox]\n[testenv]\n[testenv:lint]\n"
            "description = check\n  style\n[testenv:py{39,310}]\n",
            "justfile": "set shell := ['sh']\n# Ship it\nship target='x': build\n"
            "  cp\n_hidden:\n  x\nname := '1'\n",
        },
    )
    workspace = Workspace(str(tmp_path), "docs/generated")
    found = [(command.line, command.help) for command in Project(workspace).commands]
    workspace.close()
    assert found == [
        ("npm run lint", "eslint ."),
        ("npm --prefix packages/a run build", "tsc"),
        ("nox -s unit", "Runs them."),
        ("nox -s docs", ""),
        ("tox -e lint", "check style"),
        ("just ship", "Ship it"),
    ]
