"""The layers of design.md, section 7: imports only point down, without exceptions."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PACKAGE = "support_lakehouse"
RANKS = {
    "errors": 0,
    **dict.fromkeys(("model", "config"), 1),
    **dict.fromkeys(("io", "transforms"), 2),
    "stages": 3,
    "pipeline": 4,
    # The package's own `run` and `python -m` stand beside the command line.
    **dict.fromkeys(("cli", "jobs", "dashboard", "__main__", "__init__"), 5),
}
NOT_IN_CONNECT = {"rdd", "_jvm", "_jsc", "_jdf", "_sc", "sparkContext"}


class Module(NamedTuple):
    """A file of the program: where it is, the layer it belongs to, its code."""

    path: str
    layer: str
    tree: ast.Module

    def at(self, node: ast.AST, what: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)} {what}"


def module(path: str, source: str) -> Module:
    """A module by its path below the package, or below the root for `jobs/`."""
    return Module(path, path.split("/")[0].removesuffix(".py"), ast.parse(source))


def program() -> list[Module]:
    package = ROOT / "src" / PACKAGE
    files = [(path, path.relative_to(package)) for path in package.rglob("*.py")]
    files += [(path, path.relative_to(ROOT)) for path in (ROOT / "jobs").rglob("*.py")]
    return [module(name.as_posix(), path.read_text("utf-8")) for path, name in sorted(files)]


def imports(of: Module) -> Iterator[tuple[ast.AST, str]]:
    """Every import with its whole name, those in functions and under TYPE_CHECKING as well."""
    for node in ast.walk(of.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            before = "." * node.level + (node.module or "")
            yield from ((node, f"{before}.{alias.name}") for alias in node.names)


def layer_of(imported: str) -> str | None:
    """The layer that an import reaches; None for what is not of this program."""
    package, _, rest = imported.partition(".")
    if package != PACKAGE:
        return None
    first = rest.split(".")[0]
    return first if first in RANKS else "__init__"


def upward_imports(of: Module) -> list[str]:
    reached = [(node, name, layer_of(name)) for node, name in imports(of)]
    return [
        of.at(node, f"imports {name}")
        for node, name, layer in reached
        if layer and RANKS[layer] > RANKS[of.layer]
    ]


def imports_of_the_other_side(of: Module) -> list[str]:
    other = {"io": "transforms", "transforms": "io"}.get(of.layer)
    return [
        of.at(node, f"imports {name}")
        for node, name in imports(of)
        if other and layer_of(name) == other
    ]


def hidden_imports(of: Module) -> list[str]:
    """Imports that the other rules could not see: relative ones, and those by a text."""
    relative = [of.at(n, f"imports {name}") for n, name in imports(of) if name.startswith(".")]
    dynamic = [of.at(n, name) for n, name in imports(of) if name.split(".")[0] == "importlib"]
    named = [n for n in ast.walk(of.tree) if isinstance(n, ast.Name) and n.id == "__import__"]
    return relative + dynamic + [of.at(node, "__import__") for node in named]


def yaml_imports(of: Module) -> list[str]:
    found = [(node, name) for node, name in imports(of) if name.split(".")[0] == "yaml"]
    return [of.at(node, "imports yaml") for node, _ in found if of.path != "config.py"]


def engine_internals(of: Module) -> list[str]:
    """Attributes, and texts for getattr, that Spark Connect does not have."""
    names = [
        (node, node.attr if isinstance(node, ast.Attribute) else node.value)
        for node in ast.walk(of.tree)
        if isinstance(node, ast.Attribute | ast.Constant)
    ]
    if of.layer not in ("transforms", "stages"):
        return []
    return [of.at(node, f"uses {name}") for node, name in names if name in NOT_IN_CONNECT]


def catch_alls(of: Module) -> list[str]:
    handlers = [node for node in ast.walk(of.tree) if isinstance(node, ast.ExceptHandler)]
    return [of.at(h, "catches all") for h in handlers if of.layer != "cli" and catches_all(h)]


def catches_all(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return bool(names & {"Exception", "BaseException"})


def test_every_module_belongs_to_a_layer() -> None:
    modules = program()
    assert {"errors", "config", "model", "io", "cli", "jobs"} <= {of.layer for of in modules}
    assert [of.path for of in modules if of.layer not in RANKS] == []


def test_imports_only_point_down() -> None:
    assert [sin for of in program() for sin in upward_imports(of)] == []


def test_io_and_transforms_never_meet() -> None:
    assert [sin for of in program() for sin in imports_of_the_other_side(of)] == []


def test_every_import_is_absolute_and_written_out() -> None:
    assert [sin for of in program() for sin in hidden_imports(of)] == []


def test_config_is_the_only_reader_of_yaml() -> None:
    assert [sin for of in program() for sin in yaml_imports(of)] == []


def test_transforms_and_stages_use_only_what_spark_connect_has() -> None:
    assert [sin for of in program() for sin in engine_internals(of)] == []


def test_only_the_command_line_catches_all() -> None:
    assert [sin for of in program() for sin in catch_alls(of)] == []


def test_an_upward_import_is_seen_wherever_it_stands() -> None:
    source = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from support_lakehouse.stages.plan import Plan
def later():
    from support_lakehouse import __version__, pipeline, errors
    import support_lakehouse.cli.app
"""
    assert upward_imports(module("io/lake.py", source)) == [
        "io/lake.py:4 imports support_lakehouse.stages.plan.Plan",
        "io/lake.py:6 imports support_lakehouse.__version__",
        "io/lake.py:6 imports support_lakehouse.pipeline",
        "io/lake.py:7 imports support_lakehouse.cli.app",
    ]


def test_other_sins_are_seen() -> None:
    one = module("transforms/x.py", "from support_lakehouse.io import lake\nframe.rdd")
    two = module("stages/x.py", "import yaml\ngetattr(session, '_jvm')\nfrom . import y")
    three = module("model/x.py", "try: pass\nexcept (OSError, Exception): pass")
    four = module("io/x.py", "try: __import__('yaml')\nexcept: pass")
    assert imports_of_the_other_side(one) == ["transforms/x.py:1 imports support_lakehouse.io.lake"]
    assert engine_internals(one) == ["transforms/x.py:2 uses rdd"]
    assert yaml_imports(two) == ["stages/x.py:1 imports yaml"]
    assert engine_internals(two) == ["stages/x.py:2 uses _jvm"]
    assert hidden_imports(two) == ["stages/x.py:3 imports ..y"]
    assert catch_alls(three) == ["model/x.py:2 catches all"]
    assert hidden_imports(four) == ["io/x.py:1 __import__"]
    assert catch_alls(four) == ["io/x.py:2 catches all"]


def test_a_downward_import_is_no_sin() -> None:
    source = "from support_lakehouse.io import lake\nimport pyspark\nfrom yaml_like import x"
    fine = module("stages/x.py", source)
    assert upward_imports(fine) == []
    assert yaml_imports(fine) == []
