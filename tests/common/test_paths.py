"""Where things live, in a checkout and without one."""

from __future__ import annotations

import stat

import platformdirs
import pytest
from click.testing import CliRunner

from mnistlab.cli import main
from mnistlab.common import paths
from mnistlab.common.errors import LabError


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """As if the package stood in no checkout and brought a version and a notebook."""
    for variable in ("MNISTLAB_MODELS", "MNISTLAB_REPORTS", "MNISTLAB_DATA", "MNISTLAB_NOTEBOOKS"):
        monkeypatch.delenv(variable, raising=False)
    brought = tmp_path / "package" / "installed"
    (brought / "models" / "0001").mkdir(parents=True)
    (brought / "models" / "CURRENT").write_text("0001\n")
    (brought / "notebooks").mkdir()
    monkeypatch.setattr(paths, "ROOT", tmp_path / "package")
    monkeypatch.setattr(paths, "INSTALLED", brought)
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: tmp_path / "user")
    return tmp_path


def test_in_a_checkout_everything_stands_in_it(monkeypatch):
    for variable in ("MNISTLAB_MODELS", "MNISTLAB_REPORTS", "MNISTLAB_DATA", "MNISTLAB_NOTEBOOKS"):
        monkeypatch.delenv(variable, raising=False)
    assert paths.checkout() == paths.ROOT
    found = [paths.models(), paths.reports(), paths.downloads(), paths.notebooks()]
    assert found == [paths.ROOT / name for name in ("models", "reports", "data", "notebooks")]


def test_an_installed_package_works_in_the_users_folder(installed):
    assert paths.checkout() is None
    assert paths.reports() == installed / "user" / "reports"
    assert paths.notebooks() == installed / "package" / "installed" / "notebooks"
    assert paths.models() == installed / "user" / "models"
    assert (installed / "user" / "models" / "CURRENT").read_text() == "0001\n"
    assert [path.name for path in (installed / "user").iterdir()] == ["models"]


def test_what_the_user_has_is_not_replaced(installed):
    paths.models()
    (installed / "user" / "models" / "CURRENT").write_text("0002\n")
    assert (paths.models() / "CURRENT").read_text() == "0002\n"


def test_where_the_users_folder_cannot_be_written_the_packages_own_is_read(installed):
    (installed / "user").touch()
    assert paths.models() == installed / "package" / "installed" / "models"


def test_a_variable_names_another_folder_whatever_is_installed(installed, monkeypatch):
    monkeypatch.setenv("MNISTLAB_MODELS", str(installed / "mine"))
    assert paths.models() == installed / "mine"
    assert not (installed / "user").exists()


def test_what_was_brought_read_only_can_be_written_once_it_is_the_users(installed):
    brought = installed / "package" / "installed" / "models"
    for path in (brought / "CURRENT", brought / "0001", brought):
        path.chmod(path.stat().st_mode & ~0o222)
    for path in (folder := paths.models(), folder / "0001", folder / "CURRENT"):
        assert path.stat().st_mode & stat.S_IWUSR, path


def test_a_variable_that_names_no_folder_is_named(monkeypatch):
    monkeypatch.setenv("MNISTLAB_MODELS", "~nobody-of-that-name/models")
    with pytest.raises(LabError, match="MNISTLAB_MODELS names no folder"):
        paths.models()


@pytest.mark.parametrize(
    ("variable", "place"),
    [
        ("MNISTLAB_MODELS", paths.models),
        ("MNISTLAB_REPORTS", paths.reports),
        ("MNISTLAB_DATA", paths.downloads),
        ("MNISTLAB_NOTEBOOKS", paths.notebooks),
        ("MNISTLAB_DRAWINGS", paths.drawings),
    ],
)
def test_a_variable_that_leads_through_a_file_is_named(monkeypatch, tmp_path, variable, place):
    (tmp_path / "notes.txt").touch()
    for value in (tmp_path / "notes.txt", tmp_path / "notes.txt" / "deeper"):
        monkeypatch.setenv(variable, str(value))
        with pytest.raises(LabError, match=rf"{variable} names .*notes\.txt is no folder"):
            place()


@pytest.mark.parametrize(
    "arguments", [["models", "list"], ["models", "show"], ["models", "show", "0001"], ["run", "01_explore"]]
)
def test_what_is_not_in_a_named_folder_is_told_with_the_variable(monkeypatch, tmp_path, arguments):
    variable = "MNISTLAB_NOTEBOOKS" if arguments[0] == "run" else "MNISTLAB_MODELS"
    monkeypatch.setenv(variable, str(tmp_path / "nowhere"))
    result = CliRunner().invoke(main.main, arguments)
    assert f"{tmp_path / 'nowhere'} (named by {variable})" in result.output
