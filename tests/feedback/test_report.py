from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from click.testing import CliRunner

from mnistlab.cli.main import main
from mnistlab.common.errors import LabError, RunError
from mnistlab.data import outliers
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.feedback import figures
from mnistlab.feedback import reference as reference_module
from mnistlab.feedback.page import page_html, summary_lines, write_page
from mnistlab.feedback.records import Correction, Use
from mnistlab.feedback.reference import Reference
from mnistlab.feedback.report import make_report
from mnistlab.feedback.store import Store
from mnistlab.registry.registry import Registry

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def uses(
    n: int, days_ago: float, *, seed: int = 0, pen: float = 20, right: float = 0.95, ms: float = 4, version="0003"
):
    """Readings of one group of people, a minute apart, with consent."""
    rng = np.random.default_rng(seed)
    start = NOW - timedelta(days=days_ago)
    return [
        Use(
            version=version,
            milliseconds=float(rng.gamma(9, ms / 9)),
            verdict=("right" if rng.random() < right else "wrong") if number % 2 else None,
            created=start + timedelta(minutes=number),
            session=f"s{seed}",
            confidence=float(rng.beta(30, 1)),
            digit=int(rng.integers(10)),
            pen_width=float(pen + rng.choice([-4, 0, 0, 4])),
            slant=float(rng.normal(8, 10)),
            size=float(rng.normal(170, 20)),
            x=float(rng.normal(140, 12)),
            y=float(rng.normal(140, 12)),
        )
        for number in range(n)
    ]


def correction(image: np.ndarray, digit: int, predicted: int | None, created: datetime = NOW, version: str = "0003"):
    return Correction(
        strokes=[np.array([[10.0, 10.0], [90.0, 200.0]])],
        pen_width=20,
        image=image,
        predicted=predicted,
        probabilities=np.full(10, 0.1),
        milliseconds=3.0,
        version=version,
        digit=digit,
        session="s",
        consent="1",
        consented_at=created,
        created=created,
    )


@pytest.fixture(scope="module")
def reference(small) -> Reference:
    return Reference.of(Registry().load("0003"), small, n=300)


def test_an_empty_store_has_an_empty_report():
    report = make_report([], until=NOW)
    assert (report.version, report.n, report.before, report.alarms) == (None, 0, 0, [])
    assert report.estimated_accuracy is report.positive_rate is report.out_of_distribution is None
    assert list(summary_lines(report)) == ["No drawing has been read yet, so there is nothing to report."]
    page = page_html(report)
    assert page.count("<p") == 1
    assert "No drawing has been read yet, so there is nothing to report." in page
    assert "<svg" not in page


def test_what_is_counted_is_of_the_period_and_the_version():
    found = [*uses(40, 20), *uses(30, 2, seed=1, ms=8), *uses(5, 1, version="0002")]
    report = make_report(found, version="0003", until=NOW)
    assert (report.n, report.before) == (30, 40)
    now = [use.milliseconds for use in found[40:70]]
    assert report.latency.mean == pytest.approx(np.mean(now))
    assert report.latency.maximum == max(now)
    assert report.latency.p50 <= report.latency.p95 <= report.latency.maximum
    verdicts = [use.verdict for use in found[40:70] if use.verdict]
    assert report.positive_rate == Accuracy(verdicts.count("right"), len(verdicts))
    assert [day.n for day in report.days] == [40, 30]
    assert len(report.confidences) == 30
    assert make_report(found, until=NOW).version == "0002"  # used last
    assert make_report(found, version="0003", until=NOW - timedelta(days=10)).n == 0


def test_readings_without_consent_are_counted_too():
    found = [Use(version="0003", milliseconds=5.0, created=NOW) for _ in range(3)]
    report = make_report(found, until=NOW)
    assert (report.n, len(report.confidences), report.estimated_accuracy, report.findings) == (3, 0, None, ())


def test_a_period_holds_both_of_its_ends_and_is_a_week():
    microsecond = timedelta(microseconds=1)
    moments = [NOW + microsecond, NOW, NOW - timedelta(days=7), NOW - timedelta(days=7) - microsecond]
    found = [Use(version="0003", milliseconds=5.0, created=moment, session="s", confidence=0.9) for moment in moments]
    image = np.zeros((28, 28), np.uint8)
    said = [correction(image, digit, digit, moment) for digit, moment in enumerate(moments)]
    report = make_report(found, said, until=NOW)
    assert (report.n, report.before, report.since) == (2, 1, NOW - timedelta(days=7))
    assert report.confusion.diagonal().tolist() == [0, 1, 1, *[0] * 7]
    assert len(report.confidences) == 2


@pytest.mark.parametrize(("ms", "alarms"), [(50.0, []), (50.1, ["a reading takes 50 ms, more than 50"])])
def test_a_reading_of_more_than_50_ms_is_an_alarm(ms, alarms):
    assert make_report([Use(version="0003", milliseconds=ms, created=NOW)], until=NOW).alarms == alarms


def test_the_summary_says_what_has_changed_and_what_has_not():
    known = dict(zip(("slant", "size", "x", "y"), (8.0, 170.0, 140.0, 140.0), strict=True))
    found = [
        Use(
            version="0003", milliseconds=4, created=moment, session="s", confidence=1.0, digit=3, pen_width=pen, **known
        )
        for moment, pen in ((NOW - timedelta(days=9), 20.0), (NOW, 40.0))
        for _ in range(100)
    ]
    lines = list(summary_lines(make_report(found, until=NOW)))
    assert lines[:5] == [
        "version 0003, 2026-11-14 to 2026-11-21: 100 readings, 100 before",
        "  time of a reading    mean 4.0 ms, p50 4.0, p95 4.0, max 4.0",
        "  called right         nobody said",
        "  right, estimated     not known",
        "  out of distribution  not known",
    ]
    assert lines[5] == "  changed              pen width: median 40 px, before 20 px (p = 0.003)"
    assert lines[6] == "  unchanged            slant: median 8 degrees, before 8 degrees (p = 1.000)"
    assert list(summary_lines(make_report(found[:1], until=NOW)))[-1] == "  too little to compare with the time before"


def test_quiet_weeks_are_quiet_and_a_thick_pen_is_not():
    before = uses(120, 20)
    quiet = make_report([*before, *uses(50, 2, seed=1)], until=NOW)
    assert quiet.alarms == []
    assert len(quiet.findings) == 7
    thick = make_report([*before, *uses(50, 2, seed=1, pen=40)], until=NOW)
    assert thick.alarms == ["pen width: median 40 px, before 20 px"]


def test_a_slow_machine_and_unhappy_people_are_an_alarm():
    report = make_report([*uses(200, 20), *uses(80, 2, seed=1, right=0.4, ms=90)], until=NOW)
    assert "more than 50" in report.alarms[0]
    assert any(alarm.startswith("called right:") for alarm in report.alarms)


def test_corrections_say_what_is_taken_for_what(small):
    image = small.test.images[0].numpy()
    old = correction(image, 3, 5, NOW - timedelta(days=30))
    said = [old, correction(image, 4, 9), correction(image, 4, 9), correction(image, 1, None), correction(image, 2, 2)]
    report = make_report([*uses(3, 1)], said, until=NOW)
    assert report.confusion.sum() == 4
    assert (report.confusion[4, 9], report.confusion[1, 10], report.confusion[2, 2]) == (2, 1, 1)
    assert figures.confusion(report).get_title() == "Most often a 4 was read as a 9: 2 times"


def test_accuracy_is_foreseen_without_labels(reference, small):
    probabilities = reference.checkpoint.probabilities(small.test.images)
    expected = reference.estimate_accuracy(probabilities.max(axis=1))
    actual = (probabilities.argmax(axis=1) == small.test.labels.numpy()).mean()
    assert expected.low - 0.01 <= actual <= expected.high + 0.01
    assert expected.n == 500
    doubtful = reference.estimate_accuracy(np.full(100, 0.3))
    assert doubtful.value < 0.9 < expected.value
    assert doubtful.low < doubtful.value < doubtful.high
    assert reference.estimate_accuracy([]) is None
    certain = reference.estimate_accuracy([1.0])
    assert (certain.value <= certain.high <= 1, reference.estimate_accuracy([0.0]).low >= 0) == (True, True)


def test_one_in_a_hundred_validation_digits_counts_as_out_of_distribution(reference, small):
    found = reference.out_of_distribution(reference.features(small.validation.images.numpy()))
    assert found.value == pytest.approx(0.01, abs=1 / found.n)


def test_what_it_never_learned_is_strange(reference, small):
    digits = reference.out_of_distribution(reference.features(small.test.images.numpy()))
    others = outliers.draw_outliers(60, seed=5, show_progress=False).numpy()
    assert digits.value < 0.05
    assert reference.out_of_distribution(reference.features(others)).value > 0.6
    assert reference.out_of_distribution(reference.features(others[:0])) is None


def test_what_the_network_sees_is_compared(reference, small):
    images, labels = small.test.images.numpy(), small.test.labels.numpy()
    before = [correction(images[i], int(labels[i]), int(labels[i]), NOW - timedelta(days=20)) for i in range(60)]
    same = [correction(images[i], int(labels[i]), int(labels[i])) for i in range(60, 100)]
    ones = images[labels == 1][:30]
    other = [correction(image, 1, 1) for image in ones]
    found = {
        name: make_report(uses(2, 1), [*before, *late], reference=reference, until=NOW)
        for name, late in (("same", same), ("ones", other))
    }
    assert [f.what for f in found["same"].findings] == ["features"]
    assert not found["same"].alarms
    assert found["ones"].alarms == ["what the network sees in 30 drawings, against 60 before"]
    assert found["same"].out_of_distribution.n == 40


@pytest.mark.parametrize(("days", "until"), [(0, NOW), (-1, NOW), (float("nan"), NOW), (7, datetime(2026, 1, 1))])
def test_a_period_that_is_none_is_refused(days, until):
    with pytest.raises(LabError, match="a period has days above 0"):
        make_report([], days=days, until=until)


def test_the_page_holds_its_figures_and_is_escaped(tmp_path):
    report = make_report([*uses(60, 20), *uses(50, 2, seed=1, pen=40)], [], version="0003", until=NOW)
    path = write_page(report, tmp_path / "reports")
    text = path.read_text()
    assert text.count("<svg") == 5
    assert text.index("look at this") < text.index("Called right by people") < text.index("<svg")
    assert "prefers-color-scheme: dark" in text
    assert "fill: #ffffff" not in text  # the figures stand on the page's own ground
    assert "pen width: median 40 px" in text
    assert "http" not in text.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    ).replace("https://matplotlib.org", "")
    assert json.loads((tmp_path / "reports" / "monitor.json").read_text())["alarms"] == report.alarms
    strange = make_report([*uses(3, 1, version="<b>")], until=NOW)
    assert "<b>" not in page_html(strange)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"monitor\.html could not be written"):
        write_page(report, tmp_path / "file" / "reports")


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    monkeypatch.setenv("MNISTLAB_REPORTS", str(tmp_path / "reports"))
    return Store(tmp_path / "feedback.sqlite")


def invoke(store: Store, *arguments: str):
    return CliRunner().invoke(main, ["monitor", "--store", str(store.path), *arguments])


def test_the_command_works_on_an_empty_store(store, tmp_path):
    done = invoke(store)
    assert done.exit_code == 0, done.output
    assert "nothing to report" in done.output
    assert (tmp_path / "reports" / "monitor.html").is_file()


def test_the_command_ends_with_4_on_an_alarm(store):
    now = datetime.now(UTC)
    shift = now - NOW
    for use in [*uses(40, 20), *uses(30, 2, seed=1, pen=40)]:
        fields = {**vars(use), "created": use.created + shift, "version": "0999", "key": use.key}
        store.count(Use(**fields))
    done = invoke(store)
    assert done.exit_code == 4
    assert "mnistlab: alarm: pen width: median 40 px" in done.output
    found = json.loads(invoke(store, "--json", "--days", "30").stdout)
    assert (found["n"], found["before"], found["alarms"]) == (70, 0, [])


def test_the_hidden_layer_is_the_penultimate_one(reference, small):
    images = small.test.images[:5]
    weights = reference.checkpoint.weights
    logits = reference.features(images) @ weights["net.9.weight"].T + weights["net.9.bias"]
    np.testing.assert_allclose(logits, reference.checkpoint.logits(images), atol=1e-4, rtol=1e-4)
    assert reference_module.IN_DISTRIBUTION == 0.99
