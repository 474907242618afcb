"""Which language a file is in, by its name alone."""

_SUFFIXES = {
    "Python": ".py .pyi",
    "JavaScript": ".js .mjs .cjs .jsx",
    "TypeScript": ".ts .mts .cts .tsx",
    "Go": ".go",
    "Rust": ".rs",
    "Java": ".java",
    "Kotlin": ".kt .kts",
    "Scala": ".scala",
    "C": ".c .h",
    "C++": ".cc .cpp .cxx .hpp .hh",
    "C#": ".cs",
    "F#": ".fs",
    "Swift": ".swift",
    "Ruby": ".rb",
    "PHP": ".php",
    "Perl": ".pl",
    "Lua": ".lua",
    "Elixir": ".ex .exs",
    "Erlang": ".erl",
    "Haskell": ".hs",
    "OCaml": ".ml",
    "Clojure": ".clj",
    "Dart": ".dart",
    "R": ".r",
    "Julia": ".jl",
    "Zig": ".zig",
    "Shell": ".sh .bash .zsh",
    "SQL": ".sql",
    "HTML": ".html",
    "CSS": ".css",
    "SCSS": ".scss",
    "Vue": ".vue",
    "Svelte": ".svelte",
    "Terraform": ".tf",
    "Protocol Buffers": ".proto",
    "GraphQL": ".graphql",
    "Jinja": ".j2 .jinja",
}
_BY_SUFFIX = {suffix: language for language, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_BY_NAME = {"Makefile": "Make", "GNUmakefile": "Make", "Dockerfile": "Dockerfile", "CMakeLists.txt": "CMake"}


def language_of(name: str) -> str | None:
    """The language of a file called `name`, or None when it is not source text."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    dot = name.rfind(".")
    return _BY_SUFFIX.get(name[dot:].lower()) if dot > 0 else None


def is_test(path: str) -> bool:
    """Whether `path` looks like a test by the conventions of its language."""
    *directories, name = path.split("/")
    if any(directory in ("test", "tests", "__tests__", "spec", "testdata") for directory in directories):
        return True
    stem = name.split(".")[0]
    return (
        name == "conftest.py"
        or stem.startswith("test_")
        or stem.endswith("_test")
        or ".test." in name
        or ".spec." in name
        or (name.endswith(".java") and stem.endswith("Test"))
    )
