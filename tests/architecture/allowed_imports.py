"""An import-linter contract that is a table: each row names a place in the tree and all it may import of ours.

A row reads `place: allowed allowed ...`. A place covers its descendants, `*` stands for one name, and the first
row that covers a module decides. What a place covers may always import itself: `providers.*` lets each
provider's folder, but no two of them, import each other. `anything` lifts the rule. Whatever has no row fails.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


@dataclass(frozen=True, order=True)
class Import:
    importer: str
    imported: str


@dataclass(frozen=True)
class Row:
    place: str
    allowed: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> "Row":
        place, _, allowed = text.partition(":")
        return cls(place.strip(), tuple(allowed.split()))

    def allows(self, found: Import) -> bool:
        own = ".".join(found.importer.split(".")[: self.place.count(".") + 1])
        return "anything" in self.allowed or any(_covers(place, found.imported) for place in (own, *self.allowed))


def refused(table: Sequence[Row], imports: Iterable[Import]) -> list[str]:
    """One sentence for each import that the table does not allow."""
    rows = {found: _row_for(table, found.importer) for found in sorted(set(imports))}
    return [
        f"{found.importer} imports {found.imported}" if row else f"{found.importer} has no row in the table"
        for found, row in rows.items()
        if row is None or not row.allows(found)
    ]


def unplaced(table: Sequence[Row], names: Iterable[str]) -> list[str]:
    """Return the modules that no row mentions as its own; a package that only holds others needs none."""
    every = set(names)
    packages = {name.rpartition(".")[0] for name in every}
    return sorted(name for name in every - packages if _row_for(table, name) is None)


def _row_for(table: Sequence[Row], module: str) -> Row | None:
    return next((row for row in table if _covers(row.place, module)), None)


def _covers(place: str, module: str) -> bool:
    wanted, names = place.split("."), module.split(".")
    return len(names) >= len(wanted) and all(map(fnmatchcase, names, wanted))


def top_level_names(root: Path) -> dict[str, Path]:
    """Every importable name at the root of the tree, the tests apart."""
    packages = {path.parent.name: path.parent for path in root.glob("*/__init__.py")}
    modules = {path.stem: path for path in root.glob("*.py")}
    return {name: path for name, path in sorted({**packages, **modules}.items()) if name != "tests"}


def imports_of_module(name: str, source: str, modules: Mapping[str, object]) -> Iterator[Import]:
    """What one module imports of the given top-level names; import-linter itself sees packages only."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), names=names):
                found = [f"{module}.{alias.name}" for alias in names]
            case _:
                continue
        yield from (Import(name, target) for target in found if target.split(".")[0] in modules)


class AllowedImports(Contract):
    """Holds the packages that import-linter has read, and the modules at the root, to the table."""

    table = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001 - import-linter's
        table = [Row.read(text) for text in cast("list[str]", self.table)]
        ours = top_level_names(Path.cwd())
        named = {name for name in graph.modules if name.split(".")[0] in ours} | set(ours)
        problems = [f"{name} has no row in the table" for name in unplaced(table, named)]
        problems += [
            f"{name} is not among root_packages"
            for name, path in ours.items()
            if path.is_dir() and name not in graph.modules
        ]
        problems += refused(table, [*_imports_in(graph, ours), *_imports_of_root_modules(ours)])
        return ContractCheck(kept=not problems, metadata={"problems": problems})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for problem in check.metadata["problems"]:
            output.print_error(problem, bold=False)


def _imports_in(graph: ImportGraph, ours: Mapping[str, object]) -> Iterator[Import]:
    for importer in graph.modules:
        if importer.split(".")[0] in ours:
            imported = graph.find_modules_directly_imported_by(importer)
            yield from (Import(importer, name) for name in imported if name.split(".")[0] in ours)


def _imports_of_root_modules(ours: Mapping[str, Path]) -> Iterator[Import]:
    for name, path in ours.items():
        if path.is_file():
            yield from imports_of_module(name, path.read_text(), ours)
