"""``mnistlab export``, with the registry of a test."""

from __future__ import annotations

from click.testing import CliRunner

from mnistlab.cli.main import main


def run(registry, monkeypatch, *arguments: str):
    monkeypatch.setenv("MNISTLAB_MODELS", str(registry.root))
    return CliRunner().invoke(main, ["export", *arguments])


def test_the_page_is_written_and_its_size_told(registry, monkeypatch, tmp_path):
    done = run(registry, monkeypatch, "web", str(tmp_path / "page"))
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"{tmp_path / 'page' / 'index.html'} reads with version 0001: ")
    assert " kB gzipped" in done.stdout
    assert (tmp_path / "page" / "index.html").is_file()
    first = {path.name: path.read_bytes() for path in (tmp_path / "page").iterdir()}
    assert run(registry, monkeypatch, "web", str(tmp_path / "page")).exit_code == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "page").iterdir()} == first


def test_a_folder_in_use_is_refused_in_a_sentence(registry, monkeypatch, tmp_path):
    (tmp_path / "letter.txt").touch()
    done = run(registry, monkeypatch, "web", str(tmp_path))
    assert done.exit_code == 1
    assert "holds 'letter.txt'" in done.stderr


def test_without_a_version_nothing_is_written(registry, monkeypatch, tmp_path):
    (registry.root / "CURRENT").unlink()
    done = run(registry, monkeypatch, "web", str(tmp_path / "page"))
    assert done.exit_code == 1
    assert not (tmp_path / "page").exists()
