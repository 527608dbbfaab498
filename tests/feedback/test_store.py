"""The store of corrections, in SQLite and in a real PostgreSQL: nothing lost, nothing twice, and gone is gone."""

from __future__ import annotations

import errno
import itertools
import json
import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import postgres
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from corrections import LINE, make

from mnistlab.cli.main import main
from mnistlab.common.errors import FeedbackError
from mnistlab.feedback import database, export, rows
from mnistlab.feedback import store as store_module
from mnistlab.feedback.records import Use, UsesOfDay
from mnistlab.feedback.store import Store

TELLTALE = "8123.0625"  # a coordinate that is found in the file if the strokes are
THEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def server():
    programs = postgres.find()
    if programs is None:
        if os.environ.get("CI") == "true":
            pytest.fail(postgres.HELP)
        pytest.skip(postgres.HELP)
    pytest.importorskip("psycopg", reason="no psycopg: `pip install 'mnistlab[postgres]'`")
    with postgres.server(programs) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path: Path) -> str:
    """The address of a store that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data' / 'feedback.sqlite'}"
    server = request.getfixturevalue("server")
    name = f"lab{next(_numbers)}"
    engine = sa.create_engine(server.replace("postgresql", "postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.replace("/postgres", f"/{name}")


_numbers = itertools.count()


@pytest.fixture
def store(url: str) -> Store:
    return Store(url)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feedback.sqlite"


# --- what goes in comes out -------------------------------------------------------------------------------------------


def test_a_correction_comes_back_as_it_went_in(store):
    said = make(comment="é ✓ 'quoted'", seconds=2.5, predicted=None, strokes=[[(0.1, 0.2)], [(1, 2), (3, 4)]])
    number = store.add(said)
    (found,) = store.corrections()
    assert found.id == number
    for name in ("pen_width", "predicted", "milliseconds", "version", "digit", "session", "comment", "seconds", "key"):
        assert getattr(found, name) == getattr(said, name), name
    assert (found.created, found.consent, found.consented_at) == (said.created, said.consent, said.consented_at)
    for one, other in zip(found.strokes, said.strokes, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(found.image, said.image)
    np.testing.assert_array_equal(found.probabilities, said.probabilities)
    assert not found.is_right


def test_the_same_key_again_replaces_what_was_said(store):
    said = make()
    first = store.add(said)
    assert store.add(said) == first
    assert store.add(make(key=said.key, digit=2)) == first
    assert [c.digit for c in store.corrections()] == [2]


def test_they_are_chosen_by_time_version_and_session(store):
    early, late = (datetime.now(UTC) - timedelta(days=d) for d in (9, 1))
    for created, version, session in ((late, "0003", "b"), (early, "0002", "a")):
        store.add(make(created=created, consented_at=early, version=version, session=session))
    assert [c.session for c in store.corrections()] == ["a", "b"]  # by time
    assert [c.session for c in store.corrections(since=late)] == ["b"]
    assert [c.session for c in store.corrections(version="0002")] == ["a"]
    assert [c.version for c in store.corrections(session="b")] == ["0003"]
    east = late.astimezone(tz=None) + timedelta(microseconds=1)
    assert store.corrections(since=east) == []


# --- anonymous counts -------------------------------------------------------------------------------------------------


def test_a_use_without_consent_keeps_the_hour_and_nothing_about_the_drawing(store):
    use = Use(version="0003", milliseconds=2, verdict="wrong", created=THEN.replace(minute=31, second=7, microsecond=9))
    store.count(use)
    store.count(use)
    (found,) = store.uses()
    assert found.created == THEN
    assert (found.verdict, found.session, found.confidence, found.digit, found.slant) == ("wrong", *[None] * 4)


@pytest.mark.parametrize("field", database.ABOUT)
def test_without_consent_neither_the_class_nor_the_table_takes_anything_about_a_drawing(store, field):
    with pytest.raises(FeedbackError, match="without consent"):
        Use(version="0003", milliseconds=2, **{field: 1})
    row = {"key": "k", "created": "2026", "version": "0003", "milliseconds": 1.0, field: 1}
    with pytest.raises(FeedbackError, match="refuses"), store._database.begin() as connection:
        connection.execute(sa.insert(database.uses).values(row))
    assert store.uses() == []


def test_a_use_with_consent_keeps_all_and_goes_with_its_session(store):
    moment = THEN.replace(minute=31, second=7, microsecond=9)
    use = Use(version="0003", milliseconds=2, session="mine", confidence=0.9, digit=4, slant=12.5, created=moment)
    store.count(use)
    assert store.uses(since=moment) == [use]
    assert store.uses(since=moment + timedelta(microseconds=1)) == store.uses(version="0001") == []
    assert store.erase(session="mine").uses == 1
    assert store.uses() == []


# --- erasing ----------------------------------------------------------------------------------------------------------


def test_many_uses_are_counted_at_once_and_none_twice(store):
    uses = [Use(version="0001", milliseconds=float(k), key=f"{k:032x}") for k in range(5)]
    store.count(replace(uses[0], verdict="right"))
    store.count_all(uses)
    store.count_all(uses)
    store.count_all([])
    assert len(store.uses()) == 5
    assert store.use(uses[0].key).verdict == "right"  # said before the rest was counted, and not lost
    assert store.use(uses[1].key).milliseconds == 1
    assert store.use("nobody") is None


def test_uses_are_counted_up_by_day_and_version(store):
    def use(day: int, version: str, milliseconds: float, verdict: str | None = None) -> Use:
        created = THEN + timedelta(days=day)
        return Use(version=version, milliseconds=milliseconds, verdict=verdict, created=created)

    store.count_all([use(0, "0001", 1.0, "right"), use(0, "0001", 3.0, "wrong"), use(0, "0001", 5.0, "right")])
    store.count_all([use(0, "0002", 2.0), use(1, "0001", 7.0)])
    first = UsesOfDay("2026-03-01", "0001", 3, 1.0, 3.0, 5.0, 2, 1)
    assert store.days() == [
        first,
        UsesOfDay("2026-03-01", "0002", 1, 2.0, 2.0, 2.0, 0, 0),
        UsesOfDay("2026-03-02", "0001", 1, 7.0, 7.0, 7.0, 0, 0),
    ]
    assert [day.day for day in store.days(THEN + timedelta(hours=12))] == ["2026-03-02"]


def test_the_newest_corrections_and_the_uses_under_consent_can_be_asked_for(store):
    for digit in range(4):
        store.add(make(digit=digit, created=THEN + timedelta(hours=digit), consented_at=THEN))
    assert [correction.digit for correction in store.corrections(newest=2)] == [2, 3]
    store.count_all([Use(version="0001", milliseconds=1), Use(version="0001", milliseconds=2, session="mine")])
    assert [use.milliseconds for use in store.uses(consented=True)] == [2]
    store.answers()


def test_erasing_is_by_number_key_session_or_all_and_says_how_much(store):
    ids = [store.add(make(session=session, key=f"key {n}")) for n, session in enumerate("aabbb")]
    assert store.erase(ids=ids[:1]).corrections == 1
    assert store.erase(key="key 1").corrections == 1
    assert store.erase(ids=[999]).corrections == 0
    assert [c.session for c in store.corrections()] == ["b"] * 3
    assert store.erase(session="b").corrections == 3
    assert store.add(make()) > max(ids)  # a number is never given twice
    assert store.erase(everything=True).corrections == 1
    for chosen in ({}, {"ids": [1], "session": "a"}):
        with pytest.raises(FeedbackError, match="one way"):
            store.erase(**chosen)


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_what_is_erased_is_gone_from_the_files(tmp_path):
    store = Store(tmp_path / "store" / "feedback.sqlite")
    for n in range(30):
        store.add(make(session="other" if n % 2 else "mine", comment=f"said by {'other' if n % 2 else 'mine'}"))
    store.add(make(session="other", comment="other breaks of a line: \x85 \u2028 \u2029"))
    store.add(make(session="mine", strokes=[[(float(TELLTALE), 1)] * 400], comment="very private"))
    store.export(tmp_path / "export.jsonl")
    for words in (TELLTALE.encode(), b"very private", b"said by mine"):
        assert words in everything_in(tmp_path)  # or the search would prove nothing
    assert store.erase(session="mine").corrections == 16
    for words in (TELLTALE.encode(), b"very private", b"said by mine"):
        assert words not in everything_in(tmp_path)
    assert everything_in(tmp_path).count(b"said by other") == 30  # 15 in the store, 15 in the export
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["feedback.sqlite"]  # no journal


def test_without_vacuum_the_bytes_are_overwritten_all_the_same(file, monkeypatch):
    store = Store(file)
    store.add(make(comment="very private"))
    monkeypatch.setattr(database.Database, "vacuum", lambda self: None)
    store.erase(everything=True)
    assert b"very private" not in file.read_bytes()


def test_a_store_another_program_set_to_wal_is_set_back(file):
    Store(file).add(make(comment="very private"))
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
    connection.close()
    Store(file).erase(everything=True)
    assert b"very private" not in everything_in(file.parent)


def test_an_export_that_was_moved_is_told_each_time_and_cleaned_when_it_is_back(file, tmp_path):
    store, path = Store(file), tmp_path / "x.jsonl"
    ids = [store.add(make()) for _ in range(3)]
    assert store.export(path) == 3
    (first, *_) = [json.loads(line) for line in path.read_text().splitlines()]
    assert (first["id"], first["digit"], first["strokes"]) == (ids[0], 7, json.loads(json.dumps(LINE)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FeedbackError, match="nothing is overwritten"):
        store.export(path)
    assert store.erase(ids=ids[2:]).missing_exports == ()
    assert len(path.read_text().splitlines()) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.rename(tmp_path / "elsewhere")
    assert store.erase(ids=ids[:1]).missing_exports == (path,)
    assert store.erase(key="nobody").missing_exports == (path,)
    assert Store(file).exports() == {path: "No such file or directory"}
    (tmp_path / "elsewhere").rename(path)
    assert Store(file).exports() == {path: ""}  # opening it was enough
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == [ids[1]]
    path.write_text("my notes\n")
    assert store.erase(ids=ids[1:]).missing_exports == (path,)
    assert path.read_text() == "my notes\n"
    assert "no export any more" in store.exports()[path]
    store.forget_export(path)
    assert store.exports() == {}
    assert store.erase(everything=True).missing_exports == ()


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO])
def test_an_export_that_cannot_be_rewritten_keeps_its_path_and_is_cleaned_later(file, tmp_path, error, monkeypatch):
    store, path = Store(file), tmp_path / "x.jsonl"
    store.add(make(session="mine", comment="very private"))
    store.add(make(session="other", comment="a\u2028b\u2029c\x85d"))
    store.export(path)

    def fails(path, content):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(export, "write_atomic", fails)
    erased = store.erase(session="mine")
    assert (erased.corrections, erased.missing_exports) == (1, (path,))
    monkeypatch.undo()
    assert b"very private" in path.read_bytes()
    Store(file)
    assert b"very private" not in path.read_bytes()
    assert len(path.read_bytes().splitlines()) == 1
    assert Store(file).exports() == {path: ""}


def test_a_full_disk_is_told_truly_and_the_rewriting_is_done_later(file, monkeypatch):
    """The rows go, their bytes are overwritten, and the file is written anew as soon as there is room."""
    store, vacuum = Store(file), database.Database.vacuum
    for n in range(300):
        store.add(make(session="mine" if n < 20 else "other", comment="very private" if n < 20 else ""))
    size = file.stat().st_size

    def vacuum_on_a_full_disk(self):
        with no_file_above(4096):
            vacuum(self)

    monkeypatch.setattr(database.Database, "vacuum", vacuum_on_a_full_disk)
    erased = store.erase(session="mine")
    monkeypatch.undo()
    assert erased.corrections == 20
    assert erased.fault
    assert b"very private" not in file.read_bytes()
    assert len(store.corrections()) == 280
    assert file.stat().st_size == size
    assert len(Store(file).corrections()) == 280
    assert file.stat().st_size < size


def test_what_cannot_be_erased_is_all_there_and_said_to_be(file):
    store = Store(file)
    for _ in range(300):
        store.add(make(session="mine"))
    with no_file_above(4096), pytest.raises(FeedbackError):
        store.erase(session="mine")
    assert len(store.corrections()) == 300


@contextmanager
def no_file_above(size: int):
    """A disk that is full, as far as this process goes: no file can grow beyond so many bytes."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


# --- the clock --------------------------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    """Sets the clock of the store so many days on, or back."""

    def set_to(days: float) -> None:
        monkeypatch.setattr(store_module, "now", lambda: datetime.now(UTC) + timedelta(days=days))

    return set_to


@pytest.mark.parametrize("days", [181, 400, 4_000])
def test_a_clock_that_is_ahead_erases_nothing_and_is_told(url, clock, days):
    store = Store(url)
    for _ in range(5):
        store.add(make())
    for hours in (0, 1, 23):
        clock(days + hours / 24)
        assert "in case this machine's clock is wrong" in Store(url).doubt
    clock(0)
    store = Store(url)
    assert store.doubt == ""
    assert len(store.corrections()) == 5
    clock(days)  # and again: nothing of the first time is left
    assert Store(url).doubt
    clock(0)
    assert len(Store(url).corrections()) == 5


def test_a_clock_that_was_behind_erases_nothing_unsaid_when_it_is_set_right(url, clock):
    clock(-300)
    store = Store(url)
    then = datetime.now(UTC) - timedelta(days=300)
    store.add(make(created=then, consented_at=then))
    clock(0)
    store = Store(url)
    assert store.doubt
    assert len(store.corrections()) == 1
    clock(1.1)
    assert Store(url).corrections() == []  # it was said for a day


def test_after_a_long_summer_what_is_too_old_stays_a_day_and_then_goes(url, clock):
    Store(url).add(make())
    clock(200)
    assert len(Store(url).corrections()) == 1
    clock(201.1)
    store = Store(url)
    assert (store.doubt, store.corrections()) == ("", [])


def test_a_clock_that_only_leaps_is_believed_where_nothing_is_too_old(url, clock):
    Store(url).add(make())
    clock(100)
    assert Store(url).doubt == ""
    clock(181)
    assert Store(url).doubt
    assert Store(url).purge().corrections == 1  # a person says that the date is right


def test_the_command_tells_of_the_clock_and_of_exports(file, tmp_path, clock, monkeypatch):
    monkeypatch.setenv(database.VARIABLE, str(file))
    store = Store(file)
    store.add(make(session="\x1b[2Jmine"))
    store.export(tmp_path / "x.jsonl")
    (tmp_path / "x.jsonl").unlink()
    store.erase(everything=True)
    store.add(make(session="\x1b[2Jmine\x9b"))
    clock(190)
    told = CliRunner().invoke(main, ["feedback", "list"])
    assert "this machine's clock is wrong" in told.stderr
    assert "\x1b" not in told.stdout
    assert "\x9b" not in told.stdout
    clock(0)
    listed = CliRunner().invoke(main, ["feedback", "exports"])
    assert f"! {tmp_path / 'x.jsonl'}; may hold erased drawings" in listed.stdout
    assert CliRunner().invoke(main, ["feedback", "exports", "--forget", "nowhere"]).exit_code
    assert CliRunner().invoke(main, ["feedback", "exports", "--forget", str(tmp_path / "x.jsonl")]).stdout == ""


def test_an_export_that_cannot_be_written_is_told(file, tmp_path):
    with pytest.raises(FeedbackError, match="could not be written"):
        Store(file).export(tmp_path / "nowhere" / "x.jsonl")


def test_what_is_asked_in_no_sensible_way_is_refused(file):
    store = Store(file)
    for days in (-1, float("nan"), "7"):
        with pytest.raises(FeedbackError, match="days is a finite number of at least 0"):
            store.purge(days)
    for ask in (store.corrections, store.uses):
        with pytest.raises(FeedbackError, match="since is a time with its zone"):
            ask(since=datetime(2026, 1, 1))
    with pytest.raises(FeedbackError, match="version is text of 1 to 64 characters"):
        store.trained(" ", [1])


@pytest.mark.parametrize(
    "spoil", ["strokes = 'x'", "probabilities = '[1]'", "created = 'yesterday'", "consent = '99'", "digit = 10"]
)
def test_a_correction_that_was_damaged_is_named(file, spoil):
    store = Store(file)
    number = store.add(make())
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(f"UPDATE corrections SET {spoil}")
    connection.close()
    with pytest.raises(FeedbackError, match=f"correction {number} of the store is damaged") as caught:
        store.corrections()
    assert caught.value.code == "damaged"


def test_what_is_too_old_goes_by_itself_when_the_store_is_opened(url):
    store, now = Store(url), datetime.now(UTC)
    for days in (179, 181):
        then = now - timedelta(days=days)
        store.add(make(created=then, consented_at=then, comment=f"{days}"))
        store.count(Use(version="0003", milliseconds=1, created=then))
    assert len(store.corrections()) == len(store.uses()) == 2
    store = Store(url)
    assert [c.comment for c in store.corrections()] == ["179"]
    assert len(store.uses()) == 1
    assert store.purge(days=178).corrections == 1
    with pytest.raises(FeedbackError, match="days"):
        store.purge(days=-1)


def test_versions_that_learned_from_what_is_erased_are_marked(store):
    ids = [store.add(make()) for _ in range(4)]
    store.trained("0004", ids[:3])
    store.trained("0005", ids[3:])
    assert store.marked() == {"0004": (3, 0), "0005": (1, 0)}
    assert store.erase(ids=ids[:2]).versions == ("0004",)
    assert store.marked() == {"0004": (3, 2), "0005": (1, 0)}
    store.trained("0006", [ids[0], ids[3]])  # one was erased while it was trained
    assert store.marked()["0006"] == (2, 1)


# --- many writers, and a sudden end -----------------------------------------------------------------------------------

# Each pauses after a write, as any person does: SQLite serves no queue, and writers without a pause can starve another.
WRITER = """
import sys, time
import numpy as np
from mnistlab.feedback.records import Correction, now
from mnistlab.feedback.store import Store
store, name = Store(sys.argv[1]), sys.argv[2]
for n in range(int(sys.argv[3])):
    store.add(Correction(
        strokes=[[(n, 40.0), (120, 120)]] * 20, pen_width=20, image=np.zeros((28, 28), np.uint8), predicted=1,
        probabilities=[0.1] * 10, milliseconds=1.5, version="0003", digit=n % 10, session=name, key=f"{name} {n}",
        consent="1", consented_at=now(),
    ))
    print(f"{name} {n}", flush=True)
    time.sleep(0.02)
"""


def write(url: str, name: str, n: int) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", WRITER, url, name, str(n)], stdout=subprocess.PIPE, text=True)


def test_six_writers_at_once_lose_nothing_even_where_the_store_is_made_at_once(url):
    writers = [write(url, f"writer{i}", 15) for i in range(6)]
    told = [writer.communicate()[0].split("\n")[:-1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 6
    keys = [correction.key for correction in Store(url).corrections()]
    assert sorted(keys) == sorted(itertools.chain(*told))
    assert len(set(keys)) == len(keys) == 90


def test_after_kill_9_all_that_was_acknowledged_is_there_and_nothing_twice(url):
    Store(url)
    writers = [write(url, f"writer{i}", 100_000) for i in range(6)]
    told = [[writer.stdout.readline().strip() for _ in range(4)] for writer in writers]  # all are at it
    time.sleep(0.2)
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
    for writer, lines in zip(writers, told, strict=True):
        lines += writer.stdout.read().split("\n")[:-1]  # what follows the last line break was not said in full
        writer.wait()
    store = Store(url)  # its integrity is checked
    keys = [correction.key for correction in store.corrections()]
    assert set(itertools.chain(*told)) <= set(keys)
    assert len(set(keys)) == len(keys) <= sum(map(len, told)) + 6  # at most one each was under way
    for key in keys:  # a caller who heard nothing says it again
        store.add(make(key=key))
    assert len(store.corrections()) == len(keys)


def test_a_store_that_others_keep_to_themselves_is_told_after_the_wait(file):
    store = Store(file, wait=0.1)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(FeedbackError, match="kept busy by others") as caught:
        store.add(make())
    assert caught.value.code == "busy"
    holder.execute("ROLLBACK")
    holder.close()
    assert store.add(make()) == 1


# --- what is there is left alone --------------------------------------------------------------------------------------


def damage(file: Path) -> None:
    """Spoil a page of the middle."""
    content = bytearray(file.read_bytes())
    middle = len(content) // 4096 // 2 * 4096
    content[middle : middle + 4096] = b"\x55" * 4096
    file.write_bytes(content)


@pytest.mark.parametrize("kind", ["damaged", "cut off", "text", "foreign", "newer"])
def test_what_is_no_sound_store_is_refused_and_left_as_it_is(file, kind):
    store = Store(file)
    for _ in range(40):
        store.add(make())
    if kind == "damaged":
        damage(file)
    elif kind == "cut off":
        file.write_bytes(file.read_bytes()[: -3 * 4096])
    elif kind == "text":
        file.write_text("my notes, not a database " * 50)
    else:
        with sqlite3.connect(file) as connection:
            if kind == "foreign":
                connection.execute("DROP TABLE feedback_schema")
            else:
                connection.execute("UPDATE feedback_schema SET version = 99")
        connection.close()
    before = file.read_bytes()
    with pytest.raises(FeedbackError) as caught:
        Store(file)
    assert caught.value.code == {"cut off": "damaged", "text": "damaged"}.get(kind, kind)
    assert str(file) in str(caught.value)
    assert file.read_bytes() == before


def test_a_file_taken_away_under_an_open_store_is_a_fault_and_not_an_empty_beginning(file):
    store = Store(file)
    file.unlink()
    with pytest.raises(FeedbackError, match="cannot be used"):
        store.add(make())
    assert not file.exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(FeedbackError, match="cannot be written"):
        Store(tmp_path / "data" / "feedback.sqlite")


def test_only_its_owner_may_read_it(file):
    Store(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_older_store_is_lifted_once_and_keeps_what_it_holds(url, monkeypatch):
    Store(url).add(make())
    lift = lambda connection: connection.exec_driver_sql("ALTER TABLE corrections ADD COLUMN mood TEXT")  # noqa: E731
    monkeypatch.setattr(database, "MIGRATIONS", (lift,))
    for _ in range(2):
        database.Database(url)
    monkeypatch.undo()
    with pytest.raises(FeedbackError, match="newer mnistlab"):
        Store(url)
    monkeypatch.setattr(database, "MIGRATIONS", (lift,))
    with database.Database(url).begin() as connection:
        assert connection.exec_driver_sql("SELECT digit, mood FROM corrections").all() == [(7, None)]


def test_a_migration_that_fails_leaves_the_store_as_it_was(url, monkeypatch):
    Store(url).add(make())

    def fails(connection: sa.Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE corrections ADD COLUMN mood TEXT")
        connection.exec_driver_sql("ALTER TABLE nothing ADD COLUMN mood TEXT")

    monkeypatch.setattr(database, "MIGRATIONS", (fails,))
    with pytest.raises(FeedbackError):
        Store(url)
    monkeypatch.undo()
    assert len(Store(url).corrections()) == 1


# --- where it is ------------------------------------------------------------------------------------------------------


def test_it_stands_in_the_data_folder_unless_a_variable_says_otherwise(tmp_path, monkeypatch):
    monkeypatch.delenv(database.VARIABLE, raising=False)
    monkeypatch.setenv("MNISTLAB_DATA", str(tmp_path / "data"))
    assert Store().path == tmp_path / "data" / "feedback.sqlite"
    for address in (f"sqlite:///{tmp_path}/b.sqlite", str(tmp_path / "b.sqlite")):
        monkeypatch.setenv(database.VARIABLE, address)
        assert Store().path == tmp_path / "b.sqlite"


@pytest.mark.parametrize(
    "address", ["mysql://me:secret@host/x", "sqlite://", "sqlite:///:memory:", "http://x/y", "://", "x://[", "a b://c"]
)
def test_any_other_address_is_refused_without_its_password(address):
    with pytest.raises(FeedbackError, match="a path, sqlite:///PATH or postgresql://") as caught:
        Store(address)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_told_without_the_password():
    pytest.importorskip("psycopg", reason="no psycopg: `pip install 'mnistlab[postgres]'`")
    with pytest.raises(FeedbackError, match="cannot be used") as caught:
        Store("postgresql://me:secret@127.0.0.1:1/x", wait=1)
    assert "secret" not in str(caught.value)
    assert caught.value.code == "unavailable"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://bob@127.0.0.1:1/db?password=S3cret",
        "postgresql://bob@127.0.0.1:1/db?sslpassword=S3cret",
        "postgresql://bob@127.0.0.1:1/db?passwrd=S3cret",
        "postgresql://bob:S3@S3cret@127.0.0.1:1/db",
        "postgresql:/bob:S3cret@127.0.0.1/db",
        "postgres:/bob:S3cret@127.0.0.1/db",
        "POSTGRESQL+psycopg:/bob:S3cret@127.0.0.1/db",
        "host=127.0.0.1 user=bob password=S3cret",
        "user=bob password=S3cret",
        "mysql://bob:S3cret@h/db?x=S3cret",
        "sqlite:///a.sqlite?password=S3cret",
    ],
)
def test_no_form_of_an_address_shows_its_password_or_becomes_a_file(address, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FeedbackError) as caught:
        Store(address, wait=1)
    assert "S3cret" not in str(caught.value)
    assert caught.value.code == "url"
    assert list(tmp_path.iterdir()) == []


def test_the_words_of_the_driver_show_no_password(monkeypatch):
    pytest.importorskip("psycopg", reason="no psycopg: `pip install 'mnistlab[postgres]'`")
    opened = database.Database.__new__(database.Database)
    opened._name, opened._secrets = "the database x on y", ("S3cret",)
    error = sa.exc.OperationalError("", {}, Exception("invalid: S3cret is no port"))
    assert str(opened._translate(error)) == "the database x on y cannot be used: invalid: *** is no port"


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**30])
def test_a_number_that_no_correction_can_have_is_refused(store, number):
    with pytest.raises(FeedbackError, match="a number from 1 to"):
        store.erase(ids=[number])


def test_any_number_of_expired_rows_is_erased(tmp_path):
    store = Store(tmp_path / "s.sqlite")
    store.add(make())
    store.trained("0003", [1])
    with store._database.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO corrections (key, session, created, consent, consented_at, version, digit, predicted, probabilities, "
            "milliseconds, seconds, pen_width, strokes, image, comment) WITH RECURSIVE g(v) AS (SELECT 1 UNION ALL SELECT v + 1 "
            "FROM g WHERE v < 70000) SELECT 'k' || v, 'bulk', '2020-01-01T00:00:00.000000+00:00', consent, consented_at, "
            "version, digit, predicted, probabilities, milliseconds, seconds, pen_width, '[]', image, '' FROM corrections, g "
            "WHERE corrections.id = 1"
        )
    assert len(Store(tmp_path / "s.sqlite").corrections()) == 1
    assert store.erase(ids=range(1, 40_000)).corrections == 1
    assert store.marked() == {"0003": (1, 1)}


def test_an_error_never_shows_a_drawing(store):
    row = rows.correction_row(make(comment="very private")) | {"digit": 12}
    with pytest.raises(FeedbackError) as caught, store._database.begin() as connection:
        connection.execute(sa.insert(database.corrections).values(row))
    assert "private" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "private" not in repr(make(comment="very private"))
