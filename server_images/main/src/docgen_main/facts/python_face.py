"""The public face of Python modules: which names are for others, re-exports followed to their origin.

`__all__` decides where it is there, and every name in it is looked for: in the module, behind its imports,
behind `from x import *`, among its submodules. Without `__all__` a name is public when it has no underscore
in front and is a function, a class, a constant or a type; names that a package's `__init__` imports from the
package itself count as well, because that is how packages pass names on. A module with a private name has
no face of its own: what others may use of it appears, whole, where it is passed on. What is passed on from a
module that others see is mentioned there by name.
"""

from collections.abc import Iterable
from dataclasses import replace

from docgen_main.facts.model import Module, Symbol
from docgen_main.facts.python_api import PythonFile
from docgen_main.facts.python_tree import Passed

_DEPTH = 20


def describe(files: Iterable[PythonFile]) -> dict[str, Module]:
    """The modules of `files` by path."""
    known = list(files)
    faces = _Faces(known)
    return {file.path: faces.module(file) for file in known}


class _Faces:
    def __init__(self, files: list[PythonFile]) -> None:
        self._own = {file.path: {symbol.name: symbol for symbol in file.own} for file in files}
        self._nearby = {(file.names.root, file.names.module): file for file in files}
        self._anywhere: dict[str, PythonFile] = {}
        for file in sorted(files, key=lambda file: (file.test, file.path.count("/"), file.path)):
            self._anywhere.setdefault(file.names.module, file)

    def module(self, file: PythonFile) -> Module:
        """`file` as others see it."""
        names = file.names
        directory = file.path.rpartition("/")[0]
        return Module(
            path=file.path,
            name=names.module,
            component=names.package or directory or names.module,
            language="Python",
            doc=file.doc,
            symbols=() if file.test or names.is_private else tuple(self._symbols(file)),
            imports=file.imports,
            runs=file.runs,
            test=file.test,
            defined=tuple(_all_names(file.own)),
        )

    def _symbols(self, file: PythonFile) -> list[Symbol]:
        found = (self._find(file, name) for name in self._public(file, ()))
        return [self._shown(file, symbol) for symbol in found if symbol]

    def _shown(self, file: PythonFile, symbol: Symbol) -> Symbol:
        """`symbol`, or a mere mention of it where the module that defines it shows it as well."""
        module, _, name = symbol.origin.rpartition("#")
        source = self._module(file, module)
        if source and not source.names.is_private and not source.test and name in self._public(source, ()):
            return Symbol(symbol.name, "re-export", symbol.name, "", symbol.line, origin=symbol.origin)
        return symbol

    def _public(self, file: PythonFile, above: tuple[str, ...]) -> list[str]:
        """Names that `file` offers, each once; `above` are the modules that are being asked already."""
        if file.path in above or len(above) > _DEPTH:
            return []
        above = (*above, file.path)
        if file.exports is not None:
            found = [name for part in file.exports for name in self._exported(file, part, above)]
            return list(dict.fromkeys(found))
        found = [symbol.name for symbol in file.own if _is_public(symbol)]
        for passed in file.passed:
            if passed.name == "*":
                target = self._module(file, passed.target)
                found += self._public(target, above) if target and file.names.is_package else []
            elif passed.public and self._module(file, passed.target) is None:
                found.append(passed.name)
        return list(dict.fromkeys(found))

    def _exported(self, file: PythonFile, part: str, above: tuple[str, ...]) -> list[str]:
        if not part.startswith("@"):
            return [part]
        head, _, rest = part[1:].partition(".")
        target = next((passed.target for passed in file.passed if passed.name == head), "")
        target = target or f"{file.names.module}.{head}"
        dotted = f"{target}.{rest}" if rest else target
        source = self._module(file, dotted.removesuffix(".__all__"))
        return self._public(source, above) if source else []

    def _module(self, file: PythonFile, name: str) -> PythonFile | None:
        return self._nearby.get((file.names.root, name)) or self._anywhere.get(name)

    def _find(self, file: PythonFile, name: str, depth: int = 0) -> Symbol | None:
        """What `name` means in `file`, or None when only running it would tell."""
        if depth > _DEPTH:
            return None
        own = self._own[file.path].get(name)
        if own:
            return own
        for passed in reversed(file.passed):
            found = self._behind(file, passed, name, depth) if passed.name in (name, "*") else None
            if found:
                return found
        submodule = self._module(file, f"{file.names.module}.{name}") if file.names.is_package else None
        return _as_symbol(submodule, name) if submodule else None

    def _behind(self, file: PythonFile, passed: Passed, name: str, depth: int) -> Symbol | None:
        if passed.name == "*":
            source = self._module(file, passed.target)
            if source is None or name not in self._public(source, ()):
                return None
            return self._from(source, name, name, depth)
        module = self._module(file, passed.target)
        if module:
            return _as_symbol(module, name)
        above, _, last = passed.target.rpartition(".")
        source = self._module(file, above)
        if source is None:  # from outside the project: it is there, and nothing more is known
            return Symbol(name, "re-export", name, "", 0, origin=f"{above}#{last}")
        return self._from(source, last, name, depth)

    def _from(self, source: PythonFile, name: str, called: str, depth: int) -> Symbol | None:
        found = self._find(source, name, depth + 1)
        if found is None:
            return None
        return replace(found, name=called, origin=found.origin or f"{source.names.module}#{found.name}")


def _as_symbol(module: PythonFile, name: str) -> Symbol:
    above, _, last = module.names.module.rpartition(".")
    return Symbol(name, "re-export", name, "", 1, origin=f"{above}#{last}")


def _is_public(symbol: Symbol) -> bool:
    if symbol.name.startswith("_"):
        return False
    return (
        symbol.kind != "variable" or ":" in symbol.signature or symbol.name[:1].isupper() or bool(symbol.doc)
    )


def _all_names(own: Iterable[Symbol]) -> Iterable[str]:
    for symbol in own:
        yield symbol.name
        for member in symbol.members:
            yield f"{symbol.name}.{member.name}"
