"""Switches behind a real nginx, with real servers and requests all the while; and what decides that a release goes back."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from deployed import DEPLOY, program, tool

rehearse, switch = program("rehearse"), program("switch")
with_nginx = pytest.mark.skipif(tool("nginx") is None, reason="switches need nginx (apt-get install nginx)")


# --- in earnest -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stage():
    """An nginx in front of ``good-1``; a broken release is given two seconds to become ready."""
    with rehearse.stage(watch=3) as made:
        run(made, "good-1")
        assert made.live() == "good-1"
        yield made


def run(stage, *words: str) -> tuple[int, str]:
    """Exit code and output of a switch."""
    process = stage.switch(*words)
    text, _ = process.communicate(timeout=100)
    print(text)  # shown if the test fails
    return process.returncode, text


def until(process: subprocess.Popen, phrase: str) -> str:
    """Output of a switch up to a line that holds this."""
    found, lines = rehearse.told(process, phrase)
    assert found, "\n".join(lines)
    return lines[-1]


@with_nginx
def test_a_switch_and_the_way_back_lose_no_request(stage):
    with rehearse.Load(stage.port) as load:
        assert run(stage, "good-2")[0] == 0
        assert stage.live() == "good-2"
        assert run(stage, "--back")[0] == 0
        assert stage.live() == "good-1"
    assert load.statuses.total() > 100
    assert set(load.statuses) == {"200"}


@with_nginx
@pytest.mark.parametrize("fault", ["dies", "never-ready", "misreads"])
def test_a_broken_release_gets_no_request(stage, fault):
    stage.set("ready_seconds", 20 if fault == "misreads" else 2)
    live = stage.live()
    with rehearse.Load(stage.port, clients=2) as load:
        code, text = run(stage, fault)
    assert code == 1
    assert "REFUSED before any request reached it" in text
    assert stage.live() == live
    assert set(load.statuses) == {"200"}
    stage.set("ready_seconds", 20)


@with_nginx
@pytest.mark.parametrize("fault", ["turns-bad", "hangs"])
def test_a_release_that_turns_bad_is_gone_before_ten_seconds_are_over(stage, fault):
    stage.set("watch_seconds", 11)  # one that stays for the whole watch would be there for ten
    live = stage.live()
    with rehearse.Load(stage.port, clients=2) as load:
        assert rehearse.seconds_to_return(stage, fault) is not None
        assert stage.live() == live
    assert set(load.statuses) == {"200"}  # the spare colour answered what the new one did not
    stage.set("watch_seconds", 3)


@with_nginx
def test_nobody_else_switches_meanwhile_and_whoever_ends_the_watch_ends_the_release(stage):
    live = stage.live()
    process = stage.switch("good-3")
    until(process, "is live")
    assert stage.live() == "good-3"
    code, text = run(stage, "good-4")
    assert (code, "another switch is under way" in text) == (1, True)
    process.send_signal(signal.SIGTERM)
    assert "ended by SIGTERM" in until(process, "WENT BACK")
    process.communicate(timeout=30)
    assert process.returncode == 1
    assert stage.live() == live


@with_nginx
def test_it_says_what_is_live_and_what_happened(stage):
    code, text = run(stage, "--status")
    assert code == 0
    assert f"live: {stage.live()} as " in text
    assert "STAYS" in (stage.run / "history.log").read_text()


# --- what it decides by -----------------------------------------------------------------------------------------------


@pytest.fixture
def environment(tmp_path):
    both = {"blue": "127.0.0.1:1", "green": "127.0.0.1:2"}
    return switch.Environment(tmp_path, "http://127.0.0.1:3", "true", "true", "true", both, both)


def lines(count: int, status: str = "200", seconds: str = "0.010", colour: str = "green") -> str:
    return f"{colour}\t200\t{status}\t{seconds}\n" * count


@pytest.mark.parametrize(
    ("log", "why"),
    [
        (lines(999) + lines(3, "500"), "3 of 1002 requests failed"),
        (lines(10) + lines(3, "502, 200", "0.001, 0.010"), "3 of 13 requests failed"),
        (lines(90) + lines(10, seconds="0.300"), "5 % of 100 requests took longer than 300 ms"),
    ],
)
def test_too_many_failures_or_slow_answers_are_a_breach(environment, log, why):
    with pytest.raises(switch.Breach, match=why):
        switch.judge(log, "green", environment)


@pytest.mark.parametrize(
    "log",
    [
        "",
        lines(1000) + lines(2, "500"),  # so few say nothing
        lines(5000) + lines(5, "500"),  # 0.1 %
        lines(100, "422"),  # the client's fault
        lines(100, "500", colour="blue"),  # the old one's
        lines(99, "-", "-"),  # nginx refused them
        lines(99, seconds="9.000"),  # too few for a 95th percentile
        lines(5) + "green\t20",  # nginx has not written the rest yet
    ],
)
def test_what_says_nothing_about_the_release_is_no_breach(environment, log):
    switch.judge(log, "green", environment)


def test_nginx_is_told_one_colour_and_while_it_is_watched_a_spare_one(environment):
    text = switch.upstream(environment, "green", watched=True, spare="blue")
    assert "server 127.0.0.1:2 max_fails=0;" in text
    assert "server 127.0.0.1:1 backup max_fails=0;" in text
    assert "$watched { default 1; }" in text
    assert "backup" not in switch.upstream(environment, "green", watched=False, spare=None)


def test_colours_take_turns_and_what_is_live_is_kept(tmp_path):
    state = switch.State.read(tmp_path / "release.env")
    assert (state.live, state.idle) == (None, "blue")
    state.live, state.releases = "blue", {"blue": "v1"}
    state.write()
    assert (tmp_path / "release.env").read_text() == "LIVE=blue\nBLUE=v1\nGREEN=\n"
    again = switch.State.read(tmp_path / "release.env")
    assert (again.live, again.idle, again.releases) == ("blue", "green", {"blue": "v1"})


@pytest.mark.parametrize("release", ["../../etc", "a b", "$(id)", "-x", ""])
def test_a_release_that_is_no_tag_is_refused(tmp_path, release):
    path = tmp_path / "odd.toml"
    both = '{blue = "127.0.0.1:1", green = "127.0.0.1:2"}'
    path.write_text(
        f'folder = "{tmp_path}"\ncontrol = "http://127.0.0.1:9"\nstart = "touch {tmp_path}/started"\nstop = "true"\n'
        f'reload = "true"\naddresses = {both}\nservers = {both}\n'
    )
    command = [sys.executable, str(DEPLOY / "switch"), str(path), "--", release]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("text", ["folder = 1", 'folder = "x"\nfront = "y"', "[", 'folder = "x"'])
def test_an_environment_that_is_none_is_refused_in_words(tmp_path, text):
    path = tmp_path / "odd.toml"
    path.write_text(text)
    done = subprocess.run([sys.executable, str(DEPLOY / "switch"), str(path), "v1"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("switch: ")
    assert "Traceback" not in done.stderr
