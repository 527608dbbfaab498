"""What a person says on the pad, and what becomes of it: nothing about the drawing without consent, and with it what is told."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
from click.testing import CliRunner

from mnistlab.cli import main
from mnistlab.common import paths, progress
from mnistlab.common.errors import FeedbackError
from mnistlab.data.drawings import drawing_to_png, load_drawings
from mnistlab.data.stroke_stats import stroke_stats
from mnistlab.feedback import consent
from mnistlab.feedback.database import ABOUT, Database
from mnistlab.feedback.store import Store
from mnistlab.inference.predictor import Predictor
from mnistlab.pad import feedback_panel, feedback_session, schedule
from mnistlab.pad.widget import DigitPad

SEVEN, THREE = (load_drawings()[name].strokes for name in ("seven", "three"))


@pytest.fixture(scope="module")
def reader() -> Predictor:
    return Predictor.load("0003", models=paths.models())


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("MNISTLAB_FEEDBACK", str(tmp_path / "store" / "feedback.sqlite"))
    return Store()


@pytest.fixture
def pad(reader, store):
    pad = DigitPad(reader, feedback=store)
    yield pad
    pad.close()


def told(pad: DigitPad) -> str:
    return pad.feedback.panel.note.value


def rows(store: Store, table: str) -> list[dict]:
    """What is in the file, by another way than the store's."""
    connection = sqlite3.connect(store.path)
    connection.row_factory = sqlite3.Row
    found = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
    connection.close()
    return found


# --- without consent --------------------------------------------------------------------------------------------------


def test_the_box_is_not_ticked_and_the_text_says_what_why_and_how_long(pad):
    assert pad.feedback.panel.consent.value is False
    (text,) = (child.value for child in pad.feedback.panel.children if "<details" in getattr(child, "value", ""))
    for words in ("What is kept", "Why", "How long", f"{consent.RETENTION} days", "Without the box nothing"):
        assert words in text


def test_without_consent_not_one_byte_about_the_drawing_is_kept(pad, store):
    pad.replay(SEVEN)
    for button in (
        pad.feedback.panel.right,
        pad.feedback.panel.wrong,
        pad.feedback.panel.digits[3],
        pad.feedback.panel.right,
    ):
        button.click()
    pad.feedback.comment("very private")
    pad.feedback.count()
    assert "Nothing about the drawing is kept" in told(pad) or "once you mark it" in told(pad)
    assert rows(store, "corrections") == []
    (use,) = rows(store, "uses")  # one drawing, however often it is judged
    assert use["verdict"] == "right"
    assert use["version"] == "0003"
    assert [use[name] for name in ("session", *ABOUT)] == [None] * (1 + len(ABOUT))
    assert use["created"][13:] == ":00:00.000000+00:00"
    content = store.path.read_bytes()
    assert b"very private" not in content
    assert pad.feedback.session.name.encode() not in content
    assert str(SEVEN[0][0][0]).encode() not in content


def test_a_pad_without_feedback_keeps_no_store_and_says_so(reader, store):
    pad = DigitPad(reader)
    pad.replay(SEVEN)
    pad.correct(7)
    assert pad.feedback.panel is None
    assert pad.true_digit == 7
    pad.feedback.judge(True)
    assert "without feedback" in pad.message
    assert rows(store, "uses") == []


def test_headless_the_labs_own_store_stays_closed(reader, monkeypatch, tmp_path):
    monkeypatch.setenv(progress.HEADLESS, "1")
    monkeypatch.setenv("MNISTLAB_FEEDBACK", str(tmp_path / "none.sqlite"))
    assert DigitPad(reader, feedback=True).feedback.panel is None
    assert not (tmp_path / "none.sqlite").exists()


# --- with consent -----------------------------------------------------------------------------------------------------


def test_a_right_reading_and_a_wrong_one_are_kept_as_they_were_read(pad, store):
    pad.feedback.panel.consent.value = True
    pad.replay(SEVEN)
    pad.feedback.panel.right.click()
    assert told(pad) == ('<p role="status" class="mnistlab-told">Saved as a 7; 1 drawing kept from this pad.</p>')
    pad.replay(THREE)
    pad.key("8")
    assert "Saved as an 8; 2 drawings" in told(pad)
    right, wrong = store.corrections()
    assert (right.predicted, right.digit, right.is_right) == (7, 7, True)
    assert (wrong.predicted, wrong.digit, wrong.is_right) == (3, 8, False)
    for one, other in zip(wrong.strokes, THREE, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(wrong.image, pad.prediction.image)
    np.testing.assert_array_equal(wrong.probabilities, pad.prediction.probabilities)
    assert wrong.session == right.session == pad.feedback.session.name
    assert (wrong.version, wrong.pen_width, wrong.consent) == ("0003", 20, consent.VERSION)
    assert wrong.consented_at <= right.created
    assert wrong.milliseconds == pad.prediction.milliseconds
    first, second = store.uses()
    assert (first.verdict, second.verdict, second.digit, second.session) == ("right", "wrong", 3, wrong.session)
    assert second.slant == stroke_stats(THREE, 20).slant


def test_the_time_of_drawing_is_from_the_first_touch_to_the_last_lift(pad, store):
    now = [pad.schedule.clock() + 1]
    pad.schedule.clock = pad.feedback.session.clock = lambda: now[0]
    pad.feedback.agree(True)
    pad.press(100, 40)
    for y in (90, 160, 240):
        now[0] += 0.5
        pad.move(120, y)
    pad.release()
    now[0] += 60  # looking at it
    pad.correct(1)
    (found,) = store.corrections()
    assert found.seconds == pytest.approx(1.5)


def test_ticking_the_box_keeps_the_marked_drawing_on_the_canvas_and_none_before(pad, store):
    pad.replay(SEVEN)
    pad.correct(7)
    pad.replay(THREE)
    pad.correct(3)
    assert store.corrections() == []
    pad.feedback.panel.consent.value = True
    assert [c.digit for c in store.corrections()] == [3]


def test_said_again_it_is_taken_back_and_erased(pad, store):
    pad.feedback.agree(True)
    pad.replay(SEVEN)
    pad.correct(1)
    pad.correct(7)
    assert [c.digit for c in store.corrections()] == [7]  # one drawing, one row
    pad.correct(7)
    assert store.corrections() == []
    assert "Taken back" in told(pad)
    assert [use.verdict for use in store.uses()] == [None]


def test_with_more_ink_the_same_digit_keeps_the_drawing_as_it_is_now(pad, store):
    pad.feedback.agree(True)
    pad.replay(SEVEN)
    pad.correct(7)
    pad.press(60, 140)
    pad.move(180, 140)
    pad.release()
    pad.correct(7)
    (found,) = store.corrections()
    assert len(found.strokes) == len(SEVEN) + 1


def test_wrong_without_a_digit_is_counted_and_asks_for_it(pad, store):
    pad.feedback.agree(True)
    pad.replay(SEVEN)
    pad.feedback.panel.right.click()
    pad.feedback.panel.wrong.click()
    assert store.corrections() == []  # it was no 7 after all
    assert "Say which digit it was" in told(pad)
    assert [use.verdict for use in store.uses()] == ["wrong"]
    pad.feedback.panel.wrong.click()
    assert [use.verdict for use in store.uses()] == [None]


def test_ticking_the_box_leaves_a_wrong_without_a_digit_wrong(pad, store):
    pad.replay(SEVEN)
    pad.feedback.judge(False)
    pad.feedback.panel.consent.value = True
    assert [use.verdict for use in store.uses()] == ["wrong"]
    assert "Say which digit it was" in told(pad)


def test_a_comment_goes_with_the_drawing_and_not_with_the_next(pad, store):
    pad.feedback.agree(True)
    pad.replay(SEVEN)
    pad.feedback.panel.comment.value = "my way of writing it"
    assert "once you mark it" in told(pad)
    pad.correct(7)
    pad.feedback.panel.comment.value = "with a bar"
    assert "with your comment" in told(pad)
    pad.replay(THREE)
    assert pad.feedback.panel.comment.value == ""
    pad.correct(3)
    assert [c.comment for c in store.corrections()] == ["with a bar", ""]
    pad.feedback.comment("x" * 501)
    assert "at most 500" in told(pad)
    assert 'role="alert"' in told(pad)


def test_a_picture_is_no_drawing_to_keep(pad, store):
    pad.feedback.agree(True)
    pad.replay(SEVEN)
    pad.correct(7)
    key = store.corrections()[0].key
    plain = drawing_to_png(THREE)
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.open(io.BytesIO(plain)).convert("L").save(file, "JPEG")
    pad.load(file.getvalue())
    pad.correct(3)
    assert "picture from a file is not kept" in told(pad)
    assert [c.key for c in store.corrections()] == [key]


# --- withdrawing ------------------------------------------------------------------------------------------------------


def test_unticking_keeps_no_more_and_erase_removes_all_of_this_pad_alone(pad, reader, store):
    other = DigitPad(reader, feedback=store)
    for one in (pad, other):
        one.feedback.agree(True)
        one.replay(SEVEN)
        one.correct(7)
    pad.feedback.panel.consent.value = False
    assert "1 drawing kept so far stays" in told(pad)
    pad.replay(THREE)
    pad.correct(3)
    assert len(store.corrections()) == 2
    session = pad.feedback.session.name
    pad.feedback.panel.withdraw.click()
    assert "1 drawing erased" in told(pad)
    assert [c.session for c in store.corrections()] == [other.feedback.session.name]
    assert session.encode() not in store.path.read_bytes()
    assert pad.feedback.session.name != session
    assert pad.feedback.panel.consent.value is False
    assert pad.feedback.panel.withdraw.disabled


def test_withdrawing_says_which_versions_had_learned_from_it(pad, store):
    pad.feedback.agree(True)
    pad.replay(SEVEN)
    pad.correct(7)
    store.trained("0009", [c.id for c in store.corrections()])
    pad.feedback.withdraw()
    assert "version 0009" in told(pad)
    assert store.marked() == {"0009": (1, 1)}


def test_after_a_reload_what_was_kept_is_erased_by_the_name_that_was_shown(pad, reader, store):
    assert pad.feedback.panel.earlier.name.value == ""
    pad.feedback.agree(True)
    name = pad.feedback.session.name
    assert name in pad.feedback.panel.earlier.name.value
    pad.replay(SEVEN)
    pad.correct(7)
    again = DigitPad(reader, feedback=store)  # the page was loaded again
    again.feedback.withdraw()
    assert len(store.corrections()) == 1
    for typed in ("", "x", name[:-1], f"{name}0", "' OR 1=1", "é" * 32):
        again.feedback.panel.earlier.field.value = typed
        again.feedback.panel.earlier.erase.click()
        assert "a name has 32" in told(again)
    again.feedback.withdraw("0" * 32)
    assert "No drawing is kept under this name" in told(again)
    assert len(store.corrections()) == 1
    again.feedback.panel.earlier.field.value = f" {name.upper()[:16]} {name.upper()[16:]}\n"
    again.feedback.panel.earlier.erase.click()
    assert "1 drawing erased" in told(again)
    assert store.corrections() == []


@pytest.mark.parametrize("kind", ["export", "disk"])
def test_what_is_not_erased_everywhere_yet_is_said(pad, store, tmp_path, monkeypatch, kind):
    pad.feedback.agree(True)
    pad.replay(SEVEN)
    pad.correct(7)
    if kind == "export":
        store.export(tmp_path / "x.jsonl")
        (tmp_path / "x.jsonl").unlink()
    else:
        full = FeedbackError(f"{store.path} cannot be used: disk is full", code="unavailable")
        monkeypatch.setattr(Database, "vacuum", MagicMock(side_effect=full))
    pad.feedback.withdraw()
    said = told(pad)
    assert {"export": "could not be cleaned yet", "disk": "Traces may stay"}[kind] in said
    assert 'role="alert"' in said
    assert str(tmp_path) not in said  # where the lab keeps things is none of a visitor's business
    assert store.corrections() == []


def test_no_fault_of_the_store_tells_a_visitor_where_it_is(reader, tmp_path, monkeypatch):
    monkeypatch.setenv("MNISTLAB_FEEDBACK", "postgresql://bob:S3cret@nowhere.invalid:1/corrections_of_us")
    monkeypatch.setattr(feedback_panel, "WAIT", 0.1)
    pad = DigitPad(reader, feedback=True)
    pad.replay(SEVEN)
    for act in (
        lambda: pad.correct(7),
        pad.feedback.withdraw,
        lambda: pad.feedback.comment("x"),
        lambda: pad.feedback.agree(True),
    ):
        for word in ("S3cret", "bob", "nowhere", "corrections_of_us"):
            assert word not in told(pad)
            assert word not in pad.message
        act()
    assert "Not saved: the store of drawings cannot be used" in told(pad)


# --- what can go wrong ------------------------------------------------------------------------------------------------


def test_what_could_not_be_saved_is_told_as_not_saved_and_can_be_said_again(pad, store):
    pad.feedback.agree(True)
    pad.replay(SEVEN)
    away = store.path.rename(store.path.with_suffix(".away"))
    pad.correct(7)
    assert "Not saved: " in told(pad)
    assert 'role="alert"' in told(pad)
    assert pad.feedback.session.n_kept == 0
    pad.feedback.withdraw()
    assert "Not erased: " in told(pad)
    away.rename(store.path)
    assert store.corrections() == []
    pad.feedback.agree(True)
    pad.correct(1)
    assert "Saved as a 1" in told(pad)


def test_a_damaged_store_leaves_the_pad_reading(reader, tmp_path, monkeypatch):
    (tmp_path / "x.sqlite").write_text("no database at all " * 100)
    monkeypatch.setenv("MNISTLAB_FEEDBACK", str(tmp_path / "x.sqlite"))
    pad = DigitPad(reader, feedback=True)
    assert "is damaged" in told(pad)
    assert pad.replay(SEVEN).digit == 7
    pad.correct(7)
    assert "Not saved: " in told(pad)


def test_nothing_on_the_canvas_is_nothing_to_judge(pad, store):
    pad.feedback.judge(True)
    assert "No digit was read" in pad.message
    pad.feedback.judge(False)
    assert "nothing on the canvas" in pad.message
    assert rows(store, "uses") == []
    assert pad.feedback.panel.right.disabled
    assert pad.feedback.panel.wrong.disabled


def test_a_reading_that_stays_is_counted_once_and_a_fleeting_one_is_not(pad, store, monkeypatch):
    monkeypatch.setattr(schedule, "SEEN", 0.02)

    async def look() -> None:
        pad.replay(SEVEN)
        pad.clear()  # at once
        await asyncio.sleep(0.2)
        assert store.uses() == []
        pad.replay(THREE)
        await asyncio.sleep(0.3)
        pad.set_pen_width(30)
        await asyncio.sleep(0.3)

    asyncio.run(look())
    assert [use.verdict for use in store.uses()] == [None]


def test_a_note_is_text_and_no_markup():
    assert "<b>" not in feedback_panel.note_html(feedback_session.Note("<b>", failed=True))


# --- the command ------------------------------------------------------------------------------------------------------


def call(*arguments: str):
    return CliRunner().invoke(main.main, ["feedback", *arguments])


def test_the_command_lists_exports_erases_and_marks(pad, store, tmp_path):
    pad.feedback.agree(True)
    for strokes, digit in ((SEVEN, 7), (THREE, 8)):
        pad.replay(strokes)
        pad.correct(digit)
    session = pad.feedback.session.name
    store.trained("0009", [1])
    listed = json.loads(call("list", "--json").output)
    assert listed["sessions"][0] | {"session": session, "drawings": 2, "misread": 1} == listed["sessions"][0]
    assert listed["uses"] == 2
    assert session in call("list").output
    path = tmp_path / "out.jsonl"
    assert "2 drawings" in call("export", str(path)).output
    assert call("export", str(path)).exit_code == 1
    assert "Erase them?" in call("erase", "1").output
    assert len(store.corrections()) == 2  # nobody said yes
    assert "Erased 1 drawings" in call("erase", "1", "--yes").output
    assert len(path.read_text().splitlines()) == 1
    assert "! 0009  learned from 1 drawings; 1 of them erased since" in call("mark").output
    assert call("erase", "--yes").exit_code == call("erase", "1", "--all", "--yes").exit_code == 2
    assert call("erase", "--session", session, "--yes").exit_code == 0
    assert store.corrections() == store.uses() == []
    assert call("purge").exit_code == 0
    assert call("purge", "--days", "181").exit_code == 2


def test_the_command_names_a_damaged_store(store):
    store.path.write_text("no database " * 200)
    done = call("list")
    assert done.exit_code == 1
    assert "is damaged" in done.output


def test_the_fault_of_a_store_is_one_of_the_labs_own(pad):
    pad.feedback.session._store = None
    with pytest.raises(FeedbackError):
        pad.feedback.session._open()
