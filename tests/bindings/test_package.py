"""The package as a whole: names, docstrings, stubs, columns, notebooks."""

import ast
import inspect
import subprocess
import tomllib

import nbformat
import pytest
import twinbed as tb
from nbclient import NotebookClient
from twinbed import _twinbed, columns


def public(names):
    return {name for name in names if not name.startswith("_")}


def stub_names(root):
    """The names in the stub: of the module, and of each class."""
    module = ast.parse((root / "bindings/twinbed/_twinbed.pyi").read_text())
    classes = {}
    names = set()
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            classes[node.name] = {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
    return names, classes


def test_every_public_name_has_a_docstring():
    for name in tb.__all__:
        value = getattr(tb, name)
        assert inspect.getdoc(value), name
        if inspect.isclass(value):
            for member in public(vars(value)):
                own = vars(value)[member]
                if callable(own) or isinstance(own, property | classmethod):
                    assert inspect.getdoc(own), f"{name}.{member}"


def test_every_name_of_the_extension_has_a_docstring():
    for name in public(dir(_twinbed)):
        value = getattr(_twinbed, name)
        if inspect.isclass(value) or callable(value):
            assert inspect.getdoc(value), name


def test_the_stub_has_the_names_of_the_extension(root):
    names, classes = stub_names(root)
    assert names == public(dir(_twinbed))
    for name, members in classes.items():
        actual = set(vars(getattr(_twinbed, name)))
        assert public(members) == public(actual), name


def test_every_parameter_of_the_extension_is_in_the_stub(root):
    module = ast.parse((root / "bindings/twinbed/_twinbed.pyi").read_text())
    for node in module.body:
        if isinstance(node, ast.FunctionDef):
            arguments = [*node.args.args, *node.args.kwonlyargs]
            signature = getattr(_twinbed, node.name).__doc__.splitlines()[0]
            for argument in arguments:
                assert f"{argument.arg}:" in signature, f"{node.name}({argument.arg})"


def test_the_versions_agree(root):
    project = (root / "CMakeLists.txt").read_text()
    assert f"project(twinbed VERSION {tb.__version__} " in project


def test_what_the_virtual_environment_gets_is_stated(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["dependencies"]
    assert project["optional-dependencies"]["test"]


def test_columns_are_documented_once_for_all():
    for table in columns.TABLES.values():
        assert all(column.doc for column in table)
        assert len({column.name for column in table}) == len(table)
        for column in table:
            if column.name.endswith("_ns"):
                assert column.dtype.lower() == "int64"
    assert "time_ns (int64): " in tb.Run.samples.__doc__


NOTEBOOKS = ["01_failover.ipynb", "02_elections.ipynb", "03_radio.ipynb"]


def test_every_notebook_is_run(root):
    assert [path.name for path in sorted((root / "notebooks").glob("*.ipynb"))] == NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_notebook_runs_from_top_to_bottom(root, name):
    notebook = nbformat.read(root / "notebooks" / name, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "commit it without outputs"
    client = NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(root / "notebooks")}}
    )
    client.execute()


def test_native_programs_need_nothing_of_ns3(node_program):
    needed = subprocess.run(
        ["ldd", str(node_program)], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert "libsqlite3" in needed
    assert "ns3" not in needed
