"""``mnistlab app``: what it says and to whom it listens, without a server."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from mnistlab.cli.main import main
from mnistlab.pad import server


@pytest.fixture
def given(monkeypatch) -> dict:
    given = {}

    def serve(tell, **options):
        given.update(options)
        tell("http://192.0.2.7:8866/?token=abc")

    monkeypatch.setattr(server, "serve_pad", serve)
    return given


def test_it_serves_this_machine_alone_unless_told_otherwise(given):
    told = CliRunner().invoke(main, ["app", "--no-browser"]).output
    assert given == {"share": False, "port": 8866, "warm": 1, "browser": False}
    assert told == "Draw at http://192.0.2.7:8866/?token=abc (Ctrl-C ends it)\n"


def test_sharing_shows_a_code_for_a_phone_and_says_what_it_opens(given):
    told = CliRunner().invoke(main, ["app", "--share"]).output
    assert given["share"]
    assert given["warm"] == 4
    assert sum(set(line) <= set(" ▀▄█") and len(line.strip()) > 5 for line in told.splitlines()) > 10
    assert "without encryption" in told
    assert "run no code" in told


def test_the_address_in_the_network_is_never_that_of_all():
    assert server.address_in_network() not in ("", server.EVERYWHERE)
