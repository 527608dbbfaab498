"""Two versions at once, and the way back from one that does badly."""

from __future__ import annotations

import time

import numpy as np
import pytest
from made import wait_for
from scripted import ScriptedReader, Shelf

from mnistlab.common.errors import CheckpointError, RegistryError
from mnistlab.serve import rollout as module
from mnistlab.serve.bounds import Bounds
from mnistlab.serve.rollout import Rollout
from mnistlab.serve.rollout_metrics import RolloutCollector
from mnistlab.serve.share import Share
from mnistlab.serve.versions import Versions

INK = np.full((28, 28), 255, np.uint8)


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    return Shelf(tmp_path / "models", "0001", "0002", "0003")


def rollout(shelf: Shelf, **options) -> Rollout:
    return Rollout(Versions(shelf.root, load=shelf.load), **{"bounds": Bounds(), **options})


def promoted(shelf: Shelf, **options) -> Rollout:
    """0002 has just come into use, after 0001."""
    made = rollout(shelf, **options)
    shelf.promotions.put("0002")
    made.tend()
    assert made.versions.current.version == "0002"
    return made


def answer(made: Rollout, key: str, n: int = 1) -> str:
    reader = made.reader(key)
    for _ in range(n):
        made.answered(reader, reader.predict_digit(INK))
    return reader.version


# --- a share ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "share"), [("0004=10%", 0.1), ("0004=0.5%", 0.005), ("12345=99%", 0.99)])
def test_a_share_is_a_version_and_percent(text, share):
    parsed = Share.parse(text)
    assert (parsed.version, parsed.share) == (text.partition("=")[0], pytest.approx(share))


@pytest.mark.parametrize(
    "text", ["", "0004", "0004=0%", "0004=100%", "0004=-1%", "0004=10", "latest=10%", "4=10%", "0004=1e1%"]
)
def test_what_is_no_share_is_refused(text):
    with pytest.raises(RegistryError, match="VERSION=PERCENT") as caught:
        Share.parse(text)
    assert caught.value.code == "usage"


def test_a_person_stays_with_a_version_and_another_version_takes_other_people():
    people = [f"person {number}" for number in range(5_000)]
    first, again, other = (
        [share.takes(p) for p in people] for share in (Share("0004", 0.1), Share("0004", 0.1), Share("0005", 0.1))
    )
    assert first == again
    assert sum(first) == pytest.approx(500, abs=100)
    assert sum(map(bool.__and__, first, other)) == pytest.approx(50, abs=35)


def test_the_candidate_reads_its_share_and_the_version_in_use_the_rest(shelf):
    made = rollout(shelf, ab=Share("0002", 0.2))
    read = [answer(made, str(key)) for key in range(1_000)]
    assert set(read) == {"0001", "0002"}
    assert read.count("0002") == pytest.approx(200, abs=60)
    assert made.info()["ab"] == {"version": "0002", "share": 0.2}


@pytest.mark.parametrize("options", [{"ab": Share("0009", 0.1)}, {"shadow": "0009"}])
def test_a_candidate_or_shadow_that_is_not_there_is_refused_at_the_start(shelf, options):
    with pytest.raises(RegistryError, match="there is no version '0009'"):
        rollout(shelf, **options)
    shelf.damage("0002")
    with pytest.raises(CheckpointError):
        rollout(shelf, ab=Share("0002", 0.1))


@pytest.mark.parametrize("fault", ["failed", "slow", "wrong"])
def test_a_candidate_beyond_a_bound_loses_its_share_and_the_registry_stays(shelf, fault):
    shelf.readers["0002"] = ScriptedReader("0002", milliseconds=80.0 if fault == "slow" else 0.5)
    made = rollout(shelf, ab=Share("0002", 0.5))
    taken = next(str(key) for key in range(100) if made.reader(str(key)).version == "0002")
    if fault == "slow":
        answer(made, taken, 100)
    for _ in range(50):
        made.failed(made.reader(taken)) if fault == "failed" else made.told("0002", wrong=fault == "wrong")
    made.tend()
    assert made.reader(taken).version == "0001"
    assert (made.info()["ab"], made.returns) == (None, 1)
    (told,) = made.info()["incidents"]
    assert (told["code"], told["version"]) == (fault, "0002")
    assert told["message"].endswith("it no longer reads 50 % of the requests")
    assert shelf.promotions.current() == "0001"


def test_a_candidate_that_does_well_keeps_its_share(shelf):
    made = rollout(shelf, ab=Share("0002", 0.5))
    for key in range(500):
        answer(made, str(key))
        made.told("0002", wrong=key % 20 == 0)
    made.tend()
    assert made.share == Share("0002", 0.5)
    assert made.info()["incidents"] == []


def gone_after_one_look(value: object) -> property:
    """An attribute that another thread sets to None as soon as it has been read."""
    values = iter([value])
    return property(lambda _: next(values, None))


@pytest.mark.parametrize(
    ("owner", "name", "look"),
    [
        (Rollout, "_ab", lambda made: made.share),
        (Rollout, "share", lambda made: list(RolloutCollector(made).collect())),
        (Versions, "previous", lambda made: made.versions.loaded()),
        (Versions, "fault", lambda made: made.info()["fault"]),
    ],
)
def test_what_ends_while_it_is_told_ends_nothing_else(shelf, monkeypatch, owner, name, look):
    made = promoted(shelf, ab=Share("0003", 0.5))
    shelf.add("0004")
    shelf.damage("0004")
    shelf.promotions.put("0004")
    made.tend()
    value = getattr(made if owner is Rollout else made.versions, name)
    assert value
    monkeypatch.setattr(owner, name, gone_after_one_look(value), raising=False)
    assert look(made)


# --- the way back -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["failed", "wrong"])
def test_a_new_version_beyond_a_bound_gives_way_to_the_one_before_once(shelf, fault):
    made = promoted(shelf)
    for _ in range(60):
        made.failed(made.reader("")) if fault == "failed" else made.told("0002", wrong=True)
    made.tend()
    assert (made.versions.current.version, shelf.promotions.current(), made.returns) == ("0001", "0001", 1)
    (told,) = made.info()["incidents"]
    assert (told["code"], told["version"]) == (fault, "0002")
    assert told["message"].endswith("version 0001 is in use again")
    for _ in range(60):
        made.failed(made.reader(""))
    made.tend()
    assert (made.versions.current.version, made.returns) == ("0001", 1)


def test_a_new_version_that_does_well_stays(shelf):
    made = promoted(shelf)
    answer(made, "", 500)
    for number in range(500):
        made.told("0002", wrong=number % 20 == 0)
    made.tend()
    assert (shelf.promotions.current(), made.returns) == ("0002", 0)


def test_a_slow_new_version_gives_way_only_if_it_is_slower_than_the_one_before_right_now(shelf):
    shelf.readers["0002"] = slow = ScriptedReader("0002", milliseconds=80.0)
    shelf.readers["0001"].milliseconds = 70.0  # a busy machine
    made = promoted(shelf)
    answer(made, "", 100)
    made.tend()
    assert made.versions.current.version == "0002"
    made.versions.previous.milliseconds = 1.0
    answer(made, "", 100)
    made.tend()
    assert (made.versions.current.version, made.incidents[-1].code) == ("0001", "slow")
    assert slow.milliseconds == 80.0


def test_what_the_version_before_did_as_well_is_no_reason(shelf):
    made = rollout(shelf)
    for _ in range(60):
        made.told("0001", wrong=True)
    shelf.promotions.put("0002")
    made.tend()
    for _ in range(60):
        made.told("0002", wrong=True)
    made.tend()
    assert made.versions.current.version == "0002"


def test_a_candidate_that_comes_into_use_begins_at_nothing(shelf):
    made = rollout(shelf, ab=Share("0002", 0.5))
    for _ in range(49):
        made.told("0002", wrong=True)
    shelf.promotions.put("0002")
    made.tend()
    made.told("0002", wrong=True)
    made.tend()
    assert made.versions.current.version == "0002"


def test_the_version_the_server_began_with_is_not_sent_away(shelf):
    made = rollout(shelf)
    for _ in range(100):
        made.failed(made.reader(""))
    made.tend()
    assert made.versions.current.version == "0001"


def test_after_its_probation_a_version_is_no_longer_watched(shelf, monkeypatch):
    made = promoted(shelf)
    now = time.monotonic()
    monkeypatch.setattr(module, "monotonic", lambda: now + Bounds().probation + 1)
    for _ in range(100):
        made.failed(made.reader(""))
    made.tend()
    made.tend()  # and it stays so
    assert made.versions.current.version == "0002"


def test_without_bounds_nothing_is_counted_and_nobody_sent_away(shelf):
    made = promoted(shelf, bounds=None, ab=Share("0003", 0.5))
    for _ in range(100):
        made.failed(made.reader(""))
        made.told("0002", wrong=True)
        made.told("0003", wrong=True)
    made.tend()
    assert made.versions.current.version == "0002"
    assert made.share is not None


def test_a_failed_swap_is_among_the_incidents_once(shelf):
    made = rollout(shelf)
    shelf.damage("0002")
    shelf.promotions.put("0002")
    made.tend()
    made.tend()
    assert [incident["code"] for incident in made.info()["incidents"]] == ["sha256"]
    assert made.info()["fault"] == made.info()["incidents"][0]


def test_a_running_one_looks_by_itself_and_survives_an_error(shelf, monkeypatch):
    monkeypatch.setattr(module, "EVERY", 0.01)
    made = rollout(shelf, shadow="0003")
    look, failures = made.versions.look, [OSError("no more file handles")]
    monkeypatch.setattr(made.versions, "look", lambda: (_ for _ in ()).throw(failures.pop()) if failures else look())
    made.start()
    shelf.promotions.put("0002")
    wait_for(lambda: made.versions.current.version == "0002", "the new version never came into use")
    answer(made, "")
    made.close()
    assert made.info()["shadow"]["n"] == 1
    assert made.info()["loaded"] == ["0001", "0002", "0003"]
