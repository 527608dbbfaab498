"""What a correction and a use may hold, and that nothing else gets into one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from corrections import make

from mnistlab.common.errors import FeedbackError
from mnistlab.feedback import consent
from mnistlab.feedback.fields import AMOUNT, MOMENT, NAME, check
from mnistlab.feedback.records import ABOUT, Correction, Use, as_reading, new_key
from mnistlab.inference.predictor import Prediction

THEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def use(**fields) -> Use:
    return Use(**{"version": "0003", "milliseconds": 2} | fields)


# --- corrections ------------------------------------------------------------------------------------------------------

NO_DIGITS = (-1, 10, 3.0, True, "3", b"3", np.array(3), np.float32(3), 10**400, float("nan"))
NO_AMOUNTS = (-1e-9, float("nan"), float("inf"), True, np.True_, "1", None, 1j, np.array(1.0), Decimal(1), 10**400)
NO_NAMES = ("", "  ", "\x1c", "x" * 65, "a\0b", "\ud800", "\udfff", 3, None, b"mine")
NO_MOMENTS = (datetime(2026, 1, 1), "2026-01-01T00:00:00Z", 1_700_000_000, None, THEN.date())
NO_STROKES = (
    [],
    [[]],
    3,
    np.array(3),
    "strokes",
    [[(1, 2, 3)]],
    [[(1, float("nan"))]],
    [[("a", "b")]],
    [[(0, 0)] * 20_001],
)
NO_PENS = (3.99, 60.01, True, "20", None, float("nan"))
NO_IMAGES = (np.zeros((28, 28)), np.zeros((27, 28), np.uint8), np.zeros((1, 28, 28), np.uint8), [[0] * 28] * 28, None)
NO_PROBABILITIES = (
    [0.1] * 9,
    [[0.1] * 10],
    [0.1002] * 10,
    [0.0998] * 10,
    [1.1, -0.1, *[0.0] * 8],
    [float("nan")] * 10,
    [float("inf"), *[0.0] * 9],
    "x",
    10**400,
    None,
)
REFUSED = [
    *[("digit", value, "digit is a digit from 0 to 9, not ") for value in (*NO_DIGITS, None)],
    *[("predicted", value, "predicted is a digit from 0 to 9, not ") for value in NO_DIGITS],
    *[(n, v, f"{n} is a finite number of at least 0, not ") for n in ("milliseconds", "seconds") for v in NO_AMOUNTS],
    *[(name, value, f"{name} ") for name in ("version", "session", "key") for value in NO_NAMES],
    *[(name, value, f"{name} is a time with its zone") for name in ("created", "consented_at") for value in NO_MOMENTS],
    *[("strokes", value, "(strokes?|a drawing|the drawing) ") for value in NO_STROKES],
    *[("pen_width", value, "pen_width ") for value in NO_PENS],
    *[("image", value, r"image is uint8 \(28, 28\), not ") for value in NO_IMAGES],
    *[("probabilities", value, "probabilities are ") for value in NO_PROBABILITIES],
    *[("comment", value, "comment is text of at most 500") for value in ("x" * 501, 3, None, b"x", np.array(3))],
    *[("comment", value, "comment holds a character that cannot be stored") for value in ("a\0b", "\ud800", "\udfff")],
    *[
        ("consent", value, "consent is the version of a text that was agreed to, one of 1, not ")
        for value in ("", "99", 1, [])
    ],
    ("id", "x", "id"),
    ("mood", 3, "mood"),
]


@pytest.mark.parametrize(("field", "value", "message"), REFUSED, ids=lambda value: repr(value)[:30])
def test_what_a_correction_may_not_hold_is_refused(field, value, message):
    with pytest.raises(FeedbackError, match=f"^{message}"):
        make(**{field: value})
    with pytest.raises(FeedbackError):  # nor does it get in later
        dataclasses.replace(make(), **{field: value}) if field != "mood" else make(mood=value)


def test_what_is_just_allowed_is_taken():
    values = {
        "digit": 0,
        "predicted": np.int64(9),
        "pen_width": np.float32(60),
        "milliseconds": 0,
        "seconds": Fraction(1, 2),
    }
    correction = make(**values, comment="x" * 500, key="x" * 64, session="x", probabilities=[0.1 + 0.00009] * 10)
    assert {name: getattr(correction, name) for name in values} == {**values, "seconds": 0.5}
    assert {type(getattr(correction, name)) for name in values} == {int, float}
    assert (type(correction.probabilities), correction.probabilities.dtype) == (np.ndarray, np.float64)
    assert [stroke.dtype for stroke in correction.strokes] == [np.float64]
    assert make(comment="\ud7ff\ue000 \u2028").comment == "\ud7ff\ue000 \u2028"  # either side of the surrogates


def test_a_missing_value_is_refused():
    with pytest.raises(FeedbackError, match="strokes"):
        Correction(pen_width=20)


def test_nothing_is_kept_that_was_said_before_the_consent():
    assert make(created=THEN, consented_at=THEN).created == THEN
    with pytest.raises(FeedbackError, match="nothing is kept that was said before the consent"):
        make(created=THEN, consented_at=THEN + timedelta(microseconds=1))


def test_a_refusal_says_what_came_but_shows_no_drawing_and_no_comment():
    with pytest.raises(FeedbackError, match=r"digit is a digit from 0 to 9, not 10$"):
        make(digit=10)
    with pytest.raises(FeedbackError, match=r"not str of length 65$"):
        make(session="x" * 65)
    with pytest.raises(FeedbackError, match=r"not str of length 509$") as caught:
        make(comment="very private " * 39 + "xx")
    with pytest.raises(FeedbackError, match=r"not bytes of length 12$"):
        make(comment=b"very private")
    with pytest.raises(FeedbackError, match=r"not int$"):
        make(comment=1234)
    assert "private" not in str(caught.value)
    assert caught.value.__cause__ is None
    shown = repr(make(comment="very private"))
    assert not [name for name in ("private", "strokes", "image", "probabilities") if name in shown]


def test_a_correction_is_not_changed_and_equal_to_itself_alone():
    correction = make()
    with pytest.raises(dataclasses.FrozenInstanceError):
        correction.digit = 3
    assert correction != dataclasses.replace(correction)
    assert len({correction, correction}) == 1


def test_what_was_checked_stays_though_arrays_change_that_it_was_made_of():
    stroke, image, probabilities = np.array([[1.0, 2], [3, 4]]), np.zeros((28, 28), np.uint8), np.full(10, 0.1)
    correction = make(strokes=[stroke], image=image, probabilities=probabilities)
    stroke[:], image[:], probabilities[:] = np.nan, 9, 9
    assert correction.strokes[0].tolist() == [[1, 2], [3, 4]]
    assert not correction.image.any()
    assert correction.probabilities.tolist() == [0.1] * 10


def test_a_number_of_too_many_digits_to_be_shown_is_refused_all_the_same():
    with pytest.raises(FeedbackError, match=r"^digit is a digit from 0 to 9, not int$"):
        make(digit=10**5000)


def test_what_comes_from_the_network_is_taken_from_its_prediction():
    probabilities = np.full(10, 0.1)
    prediction = Prediction(
        digit=None, probabilities=probabilities, image=np.ones((28, 28), np.uint8), milliseconds=3.5, version="0003"
    )
    read = as_reading(prediction)
    assert (read["predicted"], read["milliseconds"], read["version"]) == (None, 3.5, "0003")
    assert read["image"] is prediction.image
    assert read["probabilities"] is prediction.probabilities


def test_a_right_reading_is_known():
    assert [make(predicted=predicted).is_right for predicted in (7, 1, None)] == [True, False, False]


# --- uses -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        *[({"verdict": value}, f"verdict is 'right', 'wrong' or None, not {value!r}") for value in ("maybe", True, 0)],
        *[({"milliseconds": v}, "milliseconds is a finite number, not ") for v in (float("nan"), "1", None, True)],
        *[({"session": "s", "digit": value}, "digit is a digit from 0 to 9") for value in (-1, 10, 3.0)],
        *[({"session": "s", n: float("inf")}, f"{n} is a finite number, not inf") for n in ABOUT if n != "digit"],
        *[({"session": value}, "session ") for value in NO_NAMES if value is not None],
        *[({"version": value}, "version ") for value in NO_NAMES],
        *[({"created": value}, "created is a time with its zone") for value in NO_MOMENTS],
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_a_use_may_not_hold_is_refused(fields, message):
    with pytest.raises(FeedbackError, match=f"^{message}"):
        use(**fields)


@pytest.mark.parametrize("field", ABOUT)
def test_without_a_session_a_use_holds_nothing_about_the_drawing(field):
    assert getattr(use(session="mine", **{field: 0}), field) == 0
    with pytest.raises(FeedbackError, match="without consent nothing about a drawing is counted"):
        use(**{field: 0})


def test_a_use_with_the_same_values_is_the_same():
    assert use(key="k", created=THEN) == use(key="k", created=THEN)
    assert [use(verdict=verdict).verdict for verdict in ("right", "wrong", None)] == ["right", "wrong", None]


# --- values by themselves, and the text of the consent ----------------------------------------------------------------


def test_a_value_by_itself_is_refused_under_its_name():
    assert check(AMOUNT, np.float32(0.5), "days") == 0.5
    for kind, value, message in (
        (AMOUNT, -1, "days is a finite number of at least 0, not -1"),
        (NAME, " ", "days is text of 1 to 64 characters that is not blank, not ' '"),
        (MOMENT, datetime(2026, 1, 1), "days is a time with its zone"),
    ):
        with pytest.raises(FeedbackError, match=message):
            check(kind, value, "days")


def test_a_random_name_is_32_hexadecimal_digits_and_never_the_same():
    names = {new_key() for _ in range(100)}
    assert len(names) == 100
    assert all(len(name) == 32 and int(name, 16) >= 0 for name in names)


def test_a_text_that_people_agreed_to_is_never_changed():
    """A new wording is a new text, under a new number; and text 1 names its 180 days."""
    digest = hashlib.sha256(json.dumps(consent.TEXTS["1"]).encode()).hexdigest()
    assert digest == "aa09c5313b08ffd24fc6417bbf4670a813cb00e59e0fc43789fd52560f740193"
    assert consent.VERSION in consent.TEXTS
