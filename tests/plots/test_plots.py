from __future__ import annotations

import inspect
import warnings
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from mnistlab import plots
from mnistlab.common.constants import CLASSES, PIXELS
from mnistlab.data.mnist import Digits
from mnistlab.data.normalisation import Normalisation
from mnistlab.data.permutation import Permutation
from mnistlab.data.synthetic import Style
from mnistlab.evaluation.conformal import Coverage
from mnistlab.evaluation.intervals import Accuracy, McNemar, MeanInterval, compare
from mnistlab.evaluation.metrics import evaluate
from mnistlab.inference.attribution import Attribution
from mnistlab.inference.predictor import Prediction
from mnistlab.plots.pictures import SIGNED
from mnistlab.studies import handwriting_figures, permutation_effect_figures, what_it_sees_figures
from mnistlab.studies.label_errors import DISPUTED
from mnistlab.studies.permutation_effect import CrossedTrainings
from mnistlab.studies.unscramble import figures as unscramble_figures
from mnistlab.studies.unscramble.solve import Draft, Stage, Unscrambled, score
from mnistlab.training.comparison import CELLS, CONV_PERMUTED, CONV_PLAIN, FULL_PERMUTED, FULL_PLAIN, Comparison
from mnistlab.training.networks import build, to_input
from mnistlab.training.records import Epoch

SCRAMBLE = Permutation.random(42)


# --- made-up things to show -------------------------------------------------------------------------------------------


def history(n: int = 3) -> list[Epoch]:
    return [Epoch(e, 1 / e, 0.8 / e, 1 - 0.1 / e, 0.01, 2.0) for e in range(1, n + 1)]


SHARES = {
    CONV_PLAIN: [0.98, 0.99, 0.97],
    CONV_PERMUTED: [0.93, 0.95, 0.91],
    FULL_PLAIN: [0.92, 0.90, 0.94],
    FULL_PERMUTED: [0.93, 0.90, 0.93],
}


def comparison(shares: dict | None = None) -> Comparison:
    trainings = {
        cell: tuple(SimpleNamespace(best=SimpleNamespace(validation_accuracy=value)) for value in values)
        for cell, values in (shares or SHARES).items()
    }
    return Comparison(tuple(range(len(trainings[CONV_PLAIN]))), trainings, 5_000)


def crossed(n_seeds: int = 3, n_permutations: int = 2) -> CrossedTrainings:
    """ConvNet 98 % plain, 90 % permuted; fully connected 91 % either way."""
    shares = {CONV_PLAIN: 0.98, CONV_PERMUTED: 0.90, FULL_PLAIN: 0.91, FULL_PERMUTED: 0.91}

    def row(cell, seed):
        columns = range(n_permutations if cell.permuted else 1)
        values = [shares[cell] + 0.001 * seed + 0.002 * column for column in columns]
        return tuple(SimpleNamespace(best=SimpleNamespace(validation_accuracy=value)) for value in values)

    trainings = {cell: tuple(row(cell, seed) for seed in range(n_seeds)) for cell in CELLS}
    return CrossedTrainings(tuple(range(n_seeds)), tuple(range(n_permutations)), trainings)


READ = {
    name: MeanInterval.of([value - 0.001, value + 0.001]) for name, value in (("rows", 0.93), ("blocks of 7", 0.97))
}


def corrupted(levels: int = 3) -> list[dict]:
    return [{cell: [value - 0.1 * level for value in SHARES[cell]] for cell in CELLS} for level in range(levels)]


LABELS = np.arange(200) % CLASSES


def evaluation(wrong: int = 20, labels: np.ndarray = LABELS, sure: float = 0.8):
    """The first ``wrong`` labels are read as the next digit, the first of them with the most confidence."""
    answers = np.where(np.arange(len(labels)) < wrong, (labels + 1) % CLASSES, labels)
    probabilities = np.full((len(labels), CLASSES), 0.0)
    confidence = np.where(np.arange(len(labels)) < wrong, 0.95 - 0.01 * np.arange(len(labels)), sure)
    probabilities[:] = ((1 - confidence) / (CLASSES - 1))[:, None]
    probabilities[np.arange(len(labels)), answers] = confidence
    return evaluate(probabilities, labels)


def prediction(digit: int | None = 3) -> Prediction:
    probabilities = np.full(CLASSES, 0.1)
    if digit is not None:
        probabilities = np.full(CLASSES, 0.02)
        probabilities[digit] = 0.82
    image = np.zeros((28, 28), dtype=np.uint8)
    image[4:24, 12:16] = 255
    return Prediction(digit, probabilities, image, 1.0, "0001", "" if digit is not None else "the drawing is empty")


def made_digits(n: int = 200) -> Digits:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (n, 28, 28), generator=generator, dtype=torch.uint8)
    images[:, :4] = 0
    return Digits(images, torch.arange(n) % CLASSES)


DIGITS = made_digits()
INK = np.zeros((280, 280), dtype=np.uint8)
STROKE = [np.array([[60.0, 50.0], [140.0, 150.0], [150.0, 230.0]])]
STYLES = [Style(digit, f"a style of {digit}", 1.0, ()) for digit in range(CLASSES)]


STROKE = [np.array([[140.0, 40.0], [140.0, 240.0]])]


def coverage(level: float, held: int) -> Coverage:
    return Coverage(level, Accuracy(held, 1_000), Accuracy(40, 1_000), Accuracy(3, 1_000))


FALLING = np.linspace(0.9, 0.1, 27)
CORRELATION = np.corrcoef(np.random.default_rng(0).normal(size=(PIXELS, 50)))

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
SQUARE = np.abs(CORNERS[:, None] - CORNERS).sum(axis=2) == 1
UNDONE = SCRAMBLE.inverse()
FOUND = Unscrambled(
    UNDONE,
    (Stage("drawn", SCRAMBLE, 1.0, 2.0), Stage("exchanged", UNDONE, 3.0, 4.0)),
    Draft(np.arange(4), SQUARE, CORNERS, CORNERS),
    np.arange(PIXELS),
)
JUDGED = score(FOUND, SCRAMBLE)

FIGURES = {
    "image": lambda: plots.image(DIGITS.images[0], title="a digit"),
    "grid": lambda: plots.grid(DIGITS.images[:12], titles=range(12), colors=["black"] * 12, suptitle="twelve"),
    "learning_curves": lambda: plots.learning_curves(history()),
    "four_ways": lambda: plots.four_ways(comparison()),
    "kernel_reach": lambda: plots.kernel_reach(DIGITS.images[0], SCRAMBLE),
    "robustness": lambda: plots.robustness(
        {"shift (pixels)": (range(3), corrupted()), "noise (of 255)": ((0, 9, 18), corrupted())}
    ),
    "confusion": lambda: plots.confusion(evaluation(), name="plain net"),
    "per_class": lambda: plots.per_class({"plain net": evaluation(), "permuted net": evaluation(40)}),
    "reliability": lambda: plots.reliability({"plain net": evaluation(), "permuted net": evaluation(40)}),
    "coverage": lambda: plots.coverage([coverage(0.9, 950), coverage(0.99, 985)]),
    "refusals": lambda: handwriting_figures.refusals(
        {"one": {"letters": Accuracy(5, 100)}, "two": {"letters": Accuracy(90, 100)}}
    ),
    "attribution": lambda: plots.attribution(Attribution(1, STROKE, np.array([2.0]))),
    "mistakes": lambda: plots.mistakes(DIGITS, evaluation(), n=7),
    "agreement": lambda: plots.agreement(McNemar(600, 48, 10_000), 9_268),
    "kernels": lambda: plots.kernels({"plain": build("convnet"), "permuted": build("convnet", seed=1, n_kernels=4)}),
    "feature_maps": lambda: plots.feature_maps(
        build("convnet"), DIGITS.images[0], to_input(DIGITS.images[:1], SCRAMBLE, Normalisation()), name="plain net"
    ),
    "class_shares": lambda: plots.class_shares({"train": DIGITS.counts(), "validation": DIGITS.counts()}),
    "ink_map": lambda: plots.ink_map(DIGITS.images),
    "value_scales": lambda: plots.value_scales(
        {"bytes": DIGITS.images[0], "grey": DIGITS.images[0] / 255}, title="two scales"
    ),
    "means_and_spreads": lambda: plots.means_and_spreads(DIGITS),
    "predictions": lambda: plots.predictions(DIGITS[:10], np.zeros(10, int), reader="baseline"),
    "strangers": lambda: plots.strangers(DIGITS[:5], DIGITS[5:10], DIGITS[10:15], [(2.0, 1.0)] * 5),
    "kinship": lambda: plots.kinship(np.eye(CLASSES)[::-1]),
    "templates": lambda: plots.templates(np.random.default_rng(0).normal(size=(CLASSES, PIXELS))),
    "accuracies": lambda: plots.accuracies({"one": Accuracy(80, 100), "two": Accuracy(90, 100)}, title="two ways"),
    "recall_by_digit": lambda: plots.recall_by_digit({"one": evaluation(), "two": evaluation(40)}),
    "scrambled": lambda: plots.scrambled(DIGITS[:5], SCRAMBLE, title="scrambled"),
    "pixel_displacements": lambda: plots.pixel_displacements(SCRAMBLE),
    "disorder": lambda: plots.disorder(DIGITS.images[0], 1, (0, 0.5, 1)),
    "disorder_curve": lambda: plots.disorder_curve(np.array([0, 0.5, 1]), np.array([[0.6], [0.2], [0.0]])),
    "grey_histograms": lambda: plots.grey_histograms(DIGITS.images, SCRAMBLE.apply(DIGITS.images)),
    "pairwise_distances": lambda: plots.pairwise_distances(np.arange(1.0, 9), np.arange(1.0, 9)),
    "correlation_maps": lambda: plots.correlation_maps(CORRELATION, SCRAMBLE, (10, 12)),
    "correlation_by_distance": lambda: plots.correlation_by_distance(FALLING, FALLING * 0),
    "window_variance": lambda: plots.window_variance(np.linspace(0.5, 1, 25), np.linspace(0.1, 1, 25)),
    "prediction": lambda: plots.prediction(prediction(), INK, scrambled=INK[:28, :28]),
    "preprocessing": lambda: plots.preprocessing(STROKE, 20, prediction().image),
    "prediction_while_drawn": lambda: plots.prediction_while_drawn(
        [0.1, 0.5, 1.0], [prediction(None), prediction(7), prediction(3)], [INK] * 3, shown=3
    ),
    "replayed_drawings": lambda: plots.replayed_drawings(
        [INK] * 2, [3, 5], [prediction(3), prediction(3)], name="plain net", columns=2
    ),
    "recovery_stages": lambda: unscramble_figures.recovery_stages(DIGITS.images[:4], FOUND, JUDGED),
    "drawn_graph": lambda: unscramble_figures.drawn_graph(FOUND.draft, SCRAMBLE),
    "placement_errors": lambda: unscramble_figures.placement_errors(FOUND, SCRAMBLE, JUDGED),
    "layouts": lambda: unscramble_figures.layouts(
        {"plain": Accuracy(990, 1_000), "scrambled": Accuracy(930, 1_000), "recovered": Accuracy(989, 1_000)},
        {"other, plain": Accuracy(920, 1_000), "other, scrambled": Accuracy(919, 1_000)},
    ),
    "crossed_accuracies": lambda: permutation_effect_figures.crossed_accuracies(crossed()),
    "partial_layouts": lambda: permutation_effect_figures.partial_layouts(
        READ, {"rows": 0.5, "blocks of 7": 0.9}, {"plain": 0.98, "scrambled": 0.9}
    ),
    "digit_costs": lambda: permutation_effect_figures.digit_costs(
        {name: np.arange(60).reshape(10, 3, 2) / 1000 for name in ("convnet", "fully-connected")}
    ),
    "strongest_patches": lambda: what_it_sees_figures.strongest_patches(
        [DIGITS.images[:6, :5, :5].view(3, 2, 5, 5), DIGITS.images[:6].view(3, 2, 28, 28)]
    ),
    "occlusions": lambda: what_it_sees_figures.occlusions(DIGITS.images[:3], [np.eye(28)] * 3, ["a", "b", "c"]),
    "nearest_digits": lambda: what_it_sees_figures.nearest_digits(
        DIGITS[:2], torch.tensor([0, 7]), DIGITS, torch.tensor([[10, 20, 30], [11, 17, 27]])
    ),
    "disputed_labels": lambda: what_it_sees_figures.disputed_labels(
        DIGITS.images[:6], DISPUTED[:6], torch.tensor([8, 6, 9, 4, 0, 0])
    ),
    "ceiling": lambda: what_it_sees_figures.ceiling(
        {"one": Accuracy(9_911, 10_000), "two": Accuracy(9_939, 10_000)}, Accuracy(9_985, 10_000)
    ),
    "styles": lambda: handwriting_figures.styles({style: DIGITS.images[:1] for style in STYLES}, columns=5),
    "style_accuracies": lambda: handwriting_figures.style_accuracies(
        {"before": {style: Accuracy(50, 100) for style in STYLES}}
    ),
    "errors_by_recipe": lambda: handwriting_figures.errors_by_recipe(
        {"one": {"pen": Accuracy(90, 100)}, "two": {"pen": Accuracy(95, 100)}}
    ),
}


STUDIES = (handwriting_figures, permutation_effect_figures, what_it_sees_figures, unscramble_figures)
PLACES = {name: plots for name, member in vars(plots).items() if inspect.isfunction(member)} | {
    name: module
    for module in STUDIES
    for name, member in vars(module).items()
    if inspect.isfunction(member) and member.__module__ == module.__name__ and not name.startswith("_")
}


def axes_of(drawn) -> list[Axes]:
    return list(np.atleast_1d(np.asarray(drawn, dtype=object)).flat)


def titles_of(drawn) -> str:
    axes = axes_of(drawn)
    above = axes[0].figure._suptitle
    return " ".join([above.get_text() if above else "", *(ax.get_title() for ax in axes)]).strip()


# --- all figures ------------------------------------------------------------------------------------------------------


def test_every_figure_of_the_module_is_tried_here():
    assert set(PLACES) - {"live_curves"} == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_gives_its_axes_a_title_and_names_for_its_scales(name):
    drawn = FIGURES[name]()
    assert all(isinstance(ax, Axes) for ax in axes_of(drawn))
    assert len(titles_of(drawn)) > 3
    for ax in axes_of(drawn):
        if ax.axison and len(ax.get_xticks()) and len(ax.get_yticks()):
            named = [ax.get_xlabel(), ax.get_ylabel()]
            ticks = [label.get_text() for label in (*ax.get_xticklabels(), *ax.get_yticklabels())]
            assert any(named), f"{name}: no axis has a name"
            assert all(named) or any(t and not t[0].isdigit() for t in ticks) or ax.get_shared_y_axes().get_siblings(ax)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_can_be_drawn_without_a_warning(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = axes_of(FIGURES[name]())[0].figure
        figure.canvas.draw()


def takes_ax():
    return [n for n in FIGURES if "ax" in inspect.signature(getattr(PLACES[n], n)).parameters]


@pytest.mark.parametrize("name", takes_ax())
def test_a_figure_given_an_axes_draws_there_and_opens_no_other(name, monkeypatch):
    ax = plt.figure().add_subplot()
    drawing = getattr(PLACES[name], name)
    monkeypatch.setattr(PLACES[name], name, lambda *a, **k: drawing(*a, **k, ax=ax))
    assert FIGURES[name]() is ax
    assert len(plt.get_fignums()) == 1
    assert ax.get_title()


# --- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["titles", "colors"])
def test_a_grid_wants_one_title_and_one_colour_a_picture(name):
    with pytest.raises(ValueError, match=f"3 pictures need 3 {name}, not 2"):
        plots.grid(DIGITS.images[:3], **{name: ["black"] * 2})


def test_a_grid_without_pictures_is_refused():
    with pytest.raises(ValueError, match="no picture"):
        plots.grid(DIGITS.images[:0])


def test_a_grid_shows_each_picture_once_in_order():
    axes = plots.grid(DIGITS.images[:7], columns=4)
    assert axes.shape == (2, 4)
    shown = [ax.images[0].get_array() for ax in axes.flat if ax.images]
    assert np.array_equal(np.stack(shown), DIGITS.images[:7].numpy())


# --- 03 training ------------------------------------------------------------------------------------------------------


def test_learning_curves_show_the_history():
    losses, accuracies = plots.learning_curves(history(4))
    training, validation = (line.get_ydata() for line in losses.lines)
    assert list(training) == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    assert list(validation) == pytest.approx([0.8, 0.4, 0.8 / 3, 0.2])
    assert list(accuracies.lines[0].get_ydata()) == pytest.approx([90, 95, 100 - 10 / 3, 97.5])
    assert accuracies.get_title() == "right after epoch 4: 97.50 %"


def test_learning_curves_keep_room_for_the_epochs_to_come():
    for ax in plots.learning_curves(history(1), epochs=5):
        assert ax.get_xlim() == (0.5, 5.5)
        assert list(ax.get_xticks()) == [1, 2, 3, 4, 5]


def test_learning_curves_want_two_axes():
    with pytest.raises(ValueError, match="2 axes, not 1"):
        plots.learning_curves(history(), axes=[plt.figure().add_subplot()])


def test_live_curves_show_one_figure_and_redraw_it_in_place(monkeypatch):
    shown, updated = [], []
    handle = SimpleNamespace(update=updated.append)
    monkeypatch.setattr("IPython.display.display", lambda figure, **options: shown.append((figure, options)) or handle)
    redraw = plots.live_curves(3)
    assert plt.get_fignums() == []  # an open one would be shown a second time under the cell
    for n in (1, 2):
        redraw(history(n))
    (figure, options), *more = shown
    assert not more
    assert options == {"display_id": True}
    assert updated == [figure, figure]
    assert list(figure.axes[0].lines[0].get_xdata()) == [1, 2]  # the last history, not the first beneath it


def test_live_curves_do_no_harm_where_nothing_can_be_shown(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda figure, **options: shown.append(figure))
    plots.live_curves(2)(history(1))
    (figure,) = shown
    assert [list(ax.lines[-1].get_xdata()) for ax in figure.axes] == [[1], [1]]  # drawn, though nothing is updated
    assert plt.get_fignums() == []


def test_four_ways_show_every_network_in_its_colour_and_the_costs():
    ax = plots.four_ways(comparison())
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [list(line.get_ydata()) for line in dots] == [pytest.approx([100 * v for v in SHARES[c]]) for c in CELLS]
    assert [line.get_color() for line in dots] == [plots.PLAIN, plots.PERMUTED] * 2
    assert "costs the ConvNet 5.00 points, the fully connected net 0.00 points" in ax.get_title()


def test_four_ways_with_one_seed_show_no_interval():
    one = plots.four_ways(comparison({cell: values[:1] for cell, values in SHARES.items()}))
    several = plots.four_ways(comparison())
    assert len(several.lines) - len(one.lines) == 4 + 2 * 2  # four intervals; two more pairs in two groups


def test_kernel_reach_marks_the_pixels_the_permutation_brings_together():
    axes = plots.kernel_reach(DIGITS.images[0], SCRAMBLE)
    marked = [{(round(p.get_y() + 0.5), round(p.get_x() + 0.5)) for p in ax.patches} for ax in axes]
    block = {(9 + r, 11 + c) for r in range(5) for c in range(5)}
    assert marked[0] == marked[1] == block
    assert marked[2] == {divmod(int(SCRAMBLE.order[r * 28 + c]), 28) for r, c in block}


def test_robustness_shows_means_and_names_the_best():
    (ax,) = plots.robustness({"shift (pixels)": ((0, 1, 3), corrupted())})
    lines = {line.get_label(): line for line in ax.lines}
    assert list(lines["ConvNet, permuted"].get_ydata()) == pytest.approx([93, 83, 73])
    assert list(lines["ConvNet, permuted"].get_xdata()) == [0, 1, 3]
    assert lines["ConvNet, permuted"].get_color() == lines["fully connected net, permuted"].get_color()
    assert ax.get_title() == "at 3, best is the ConvNet, plain: 78 %"


@pytest.mark.parametrize("corruptions", [{}, {"shift": ((0, 1), corrupted(3))}], ids=["none", "not one a size"])
def test_robustness_wants_one_result_a_size(corruptions):
    with pytest.raises(ValueError, match="one result for each of its sizes"):
        plots.robustness(corruptions)


# --- 04 evaluation ----------------------------------------------------------------------------------------------------


def test_confusion_shows_the_counts_off_the_diagonal():
    labels = np.array([4] * 5 + [9] * 5)
    probabilities = np.full((10, CLASSES), 0.01)
    probabilities[np.arange(10), [4, 4, 9, 9, 9, 9, 9, 9, 9, 4]] = 0.91
    ax = plots.confusion(evaluate(probabilities, labels))
    assert {(*text.get_position(), text.get_text()) for text in ax.texts} == {(9, 4, "3"), (4, 9, "1")}
    assert ax.get_title() == "4 misread; most often a 4 as a 9: 3 times"


def test_confusion_without_mistakes_says_so():
    assert plots.confusion(evaluation(0), name="net").get_title() == "net: no digit was misread"


def test_per_class_shows_recall_and_precision():
    judged = evaluation()
    ax = plots.per_class({"plain net": judged})
    lines = {line.get_label(): line for line in ax.lines}
    assert list(lines["recall, plain net"].get_ydata()) == pytest.approx(list(100 * judged.recall))
    assert list(lines["precision, plain net"].get_ydata()) == pytest.approx(list(100 * judged.precision))


def test_per_class_names_the_hardest_digit_or_the_widest_gap():
    hard = evaluation(20, labels=np.where(np.arange(200) < 20, 6, LABELS))
    assert plots.per_class({"plain net": hard}).get_title().startswith("hardest for the plain net: the 6, ")
    title = plots.per_class({"plain net": evaluation(0), "permuted net": hard}).get_title()
    assert title.startswith("the permuted net is furthest behind on the 6: ")


def test_per_class_shows_what_is_known_when_a_digit_is_never_there_or_never_answered():
    labels = np.array([1, 1, 2])
    probabilities = np.full((3, CLASSES), 0.01)
    probabilities[:, 1] = 0.91
    assert "the 2, 0.00 % of 1 found" in plots.per_class({"net": evaluate(probabilities, labels)}).get_title()


@pytest.mark.parametrize("draw", [plots.per_class, plots.reliability])
@pytest.mark.parametrize("number", [0, 3])
def test_one_or_two_networks_are_shown(draw, number):
    with pytest.raises(ValueError, match=f"one or two networks, not {number}"):
        draw({str(i): evaluation() for i in range(number)})


def test_the_title_of_coverage_names_the_widest_gap():
    ax = plots.coverage([coverage(0.9, 950), coverage(0.99, 985)])
    assert ax.get_title() == "no level is further than 5.00 points from what it promised"
    with pytest.raises(ValueError, match="one level or more"):
        plots.coverage([])


def test_reliability_shows_only_bins_that_hold_images():
    judged = evaluation(0, sure=0.8)
    ax = plots.reliability({"plain net": judged})
    (points,) = [line for line in ax.lines if line.get_marker() == "o"]
    assert (list(points.get_xdata()), list(points.get_ydata())) == ([pytest.approx(80)], [pytest.approx(100)])
    assert ax.get_title() == "plain net: sure to 80.00 % on average, right 100.00 %"


def test_mistakes_are_the_surest_first():
    judged = evaluation(20)
    axes = plots.mistakes(DIGITS, judged, n=6, columns=4)
    assert axes.shape == (2, 4)
    assert [ax.get_title() for ax in axes.flat[:2]] == ["true 0, read 1\n(95.0 %)", "true 1, read 2\n(94.0 %)"]
    assert np.array_equal(axes[0, 1].images[0].get_array(), DIGITS.images[1].numpy())
    assert not axes[1, 3].images
    assert axes[0, 0].figure._suptitle.get_text() == "5 of 20 mistakes were made with more than 90 % confidence"


def test_mistakes_want_the_digits_that_were_judged():
    with pytest.raises(ValueError, match="200 digits were judged; here are 100"):
        plots.mistakes(DIGITS[:100], evaluation())


def test_without_mistakes_there_is_nothing_to_show():
    with pytest.raises(ValueError, match="no digit was misread"):
        plots.mistakes(DIGITS, evaluation(0))


def test_agreement_shows_four_groups_that_add_up():
    first, second = np.arange(100) < 90, np.arange(100) % 10 > 0
    both = int((first & second).sum())
    ax = plots.agreement(compare(first, second), both)
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == [81, 9, 9, 1]
    assert to_rgba(plots.PLAIN) == ax.patches[1].get_facecolor()
    assert "0.00 points" in ax.get_title()
    assert "p = 1.000" in ax.get_title()


@pytest.mark.parametrize("both", [-1, 9_353])
def test_agreement_refuses_groups_that_do_not_add_up(both):
    with pytest.raises(ValueError, match="does not fit 10000 images with 648 disagreements"):
        plots.agreement(McNemar(600, 48, 10_000), both)


def test_kernels_share_one_scale_a_network_with_white_at_0():
    model = build("convnet", seed=5)
    axes = plots.kernels({"plain": model}, limit=4)
    assert axes.shape == (1, 4)
    weights = model.net[0].weight.detach().numpy()[:4, 0]
    for ax, kernel in zip(axes.flat, weights, strict=True):
        assert np.allclose(ax.images[0].get_array(), kernel)
        assert ax.images[0].get_clim() == pytest.approx((-np.abs(weights).max(), np.abs(weights).max()))
    assert SIGNED(0.5)[:3] == pytest.approx((1, 1, 1), abs=0.01)


def test_kernels_want_a_network():
    with pytest.raises(ValueError, match="no network"):
        plots.kernels({})


def test_feature_maps_show_what_both_convolutions_answer():
    model, given = build("convnet", n_kernels=3), to_input(DIGITS.images[:1], SCRAMBLE, Normalisation())
    axes = plots.feature_maps(model, SCRAMBLE.apply(DIGITS.images)[0], given, limit=2)
    assert axes.shape == (2, 3)
    with torch.inference_mode():
        first, second = model.feature_maps(given)
    assert np.allclose(axes[0, 2].images[0].get_array(), first[0, 1])
    assert np.allclose(axes[1, 1].images[0].get_array(), second[0, 0])
    assert np.array_equal(axes[0, 0].images[0].get_array(), SCRAMBLE.apply(DIGITS.images)[0])


def test_feature_maps_of_a_network_that_stays_silent_can_still_be_shown():
    model = build("convnet")
    model.net[3].bias.data.fill_(-1e6)
    given = to_input(DIGITS.images[:1], SCRAMBLE, Normalisation())
    axes = plots.feature_maps(model, DIGITS.images[0], given)
    assert "then unknown" in axes[0, 0].figure._suptitle.get_text()


# --- the others' figures say what they show ---------------------------------------------------------------------------


def test_readings_are_blue_where_right_and_orange_with_the_truth_where_wrong():
    two = Digits(DIGITS.images[:2], torch.tensor([3, 4]))
    axes = plots.predictions(two, np.array([3, 9]), reader="baseline")
    assert [(ax.get_title(), ax.title.get_color()) for ax in axes.flat[:2]] == [
        ("3", plots.RIGHT),
        ("9 (is 4)", plots.WRONG),
    ]
    assert "misreads 1 of these 2" in titles_of(axes)


def test_ink_map_counts_the_places_without_ink():
    assert f"{4 * 28} of 784 pixels" in plots.ink_map(DIGITS.images).get_title()


def test_accuracies_put_the_best_on_top():
    ax = plots.accuracies({"worse": Accuracy(80, 100), "better": Accuracy(90, 100)}, title="two")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["worse", "better"]
    assert ax.texts[-1].get_text() == "90.0 %"


def test_scrambled_shows_each_digit_above_its_scramble():
    axes = plots.scrambled(DIGITS[:3], SCRAMBLE, title="three")
    for column in range(3):
        above, below = (ax.images[0].get_array() for ax in axes[:, column])
        assert np.array_equal(SCRAMBLE.apply(np.asarray(above)), below)


def test_same_greys_counts_what_changed():
    assert plots.grey_histograms(DIGITS.images, SCRAMBLE.apply(DIGITS.images)).get_title().startswith("0 of 256")
    assert not plots.grey_histograms(DIGITS.images, DIGITS.images // 2).get_title().startswith("0 of 256")


def test_journeys_of_the_identity_have_no_length():
    assert "784 of 784 pixels stay; the mean journey is 0" in titles_of(
        plots.pixel_displacements(Permutation.identity())
    )


def test_correlation_maps_frame_the_pixel_where_the_permutation_puts_it():
    plain, scrambled = plots.correlation_maps(CORRELATION, SCRAMBLE, (10, 12))
    (column,), (row,) = scrambled.lines[0].get_data()
    assert int(SCRAMBLE.order[int(row) * 28 + int(column)]) == 10 * 28 + 12
    assert scrambled.images[0].get_array()[int(row), int(column)] == pytest.approx(1)
    assert plain.images[0].get_array()[10, 12] == pytest.approx(1)


def test_a_reading_shows_the_ten_probabilities():
    axes = plots.prediction(prediction(3), INK)
    bars = axes[-1].patches
    assert [bar.get_width() for bar in bars] == pytest.approx([82 if d == 3 else 2 for d in range(CLASSES)])
    assert bars[3].get_facecolor() == to_rgba(plots.PLAIN)


def test_a_reading_of_nothing_shows_no_bar():
    axes = plots.prediction(prediction(None), INK)
    assert [bar.get_width() for bar in axes[-1].patches] == [0] * CLASSES


def test_under_way_tells_when_the_answer_came():
    axes = plots.prediction_while_drawn(
        [0.2, 0.5, 1.0], [prediction(7), prediction(3), prediction(3)], [INK] * 3, shown=3
    )
    assert axes[-1].get_title() == "read as 7, and as 3 from 50 % on"
    with pytest.raises(ValueError, match="do not match"):
        plots.prediction_while_drawn([0.2, 0.5], [prediction(7)], [INK] * 2)


def test_replays_colour_what_was_misread():
    axes = plots.replayed_drawings([INK] * 2, [3, 5], [prediction(3), prediction(3)], name="net", columns=2)
    assert [ax.title.get_color() for ax in axes.flat] == [plots.RIGHT, plots.WRONG]
    assert "1 of 2 read right" in titles_of(axes)


# --- unscrambling -----------------------------------------------------------------------------------------------------


def test_digits_come_back_stage_by_stage():
    axes = unscramble_figures.recovery_stages(DIGITS.images[:4], FOUND, JUDGED)
    assert axes.shape == (3, 4)
    first, last = (np.stack([ax.images[0].get_array() for ax in row]) for row in (axes[0], axes[2]))
    assert np.array_equal(first, DIGITS.images[:4].numpy())
    assert np.array_equal(last, UNDONE.apply(DIGITS.images[:4]).numpy())
    assert titles_of(axes).startswith("100.0 % of the 774 pixels")


def test_where_pixels_were_found_is_shown_where_they_belong():
    shown = unscramble_figures.placement_errors(FOUND, SCRAMBLE, JUDGED).images[0].get_array()
    seldom = np.zeros(PIXELS, bool)
    seldom[SCRAMBLE.order[:10]] = True
    assert np.array_equal(shown.flatten(), np.where(seldom, -1, 0))


def test_layouts_say_what_scrambling_costs_and_what_is_left_of_it():
    ax = FIGURES["layouts"]()
    assert ax.get_title() == "scrambling costs 6.0 points; once unscrambled, 0.1 is lost"
    names = ["plain", "scrambled", "recovered", "other, plain", "other, scrambled"]
    assert [label.get_text() for label in ax.get_yticklabels()] == names
    assert [text.get_text() for text in ax.texts] == ["99.0", "93.0", "98.9", "92.0", "91.9"]
    better = {"plain": Accuracy(990, 1_000), "scrambled": Accuracy(930, 1_000), "recovered": Accuracy(992, 1_000)}
    assert unscramble_figures.layouts(better).get_title().endswith("once unscrambled, nothing is lost")


# --- what it sees -----------------------------------------------------------------------------------------------------


def test_the_strongest_pieces_stand_in_the_column_of_their_map():
    axes = FIGURES["strongest_patches"]()
    assert axes.shape == (4, 3)
    assert np.array_equal(axes[1, 2].images[0].get_array(), DIGITS.images[5, :5, :5])
    assert np.array_equal(axes[2, 1].images[0].get_array(), DIGITS.images[2])


def test_occlusions_share_one_scale_and_want_as_many_of_each():
    axes = what_it_sees_figures.occlusions(DIGITS.images[:2], [np.eye(28), -3 * np.eye(28)], ["a", "b"])
    assert [ax.images[0].get_clim() for ax in axes[1]] == [(-3, 3)] * 2
    assert titles_of(axes).startswith("covering one place takes up to 1 from the log-odds a b")
    with pytest.raises(ValueError, match="2 pictures need as many maps and titles, not 1 and 2"):
        what_it_sees_figures.occlusions(DIGITS.images[:2], [np.eye(28)], ["a", "b"])


def test_neighbours_are_coloured_by_the_label_and_counted_by_the_answer():
    axes = FIGURES["nearest_digits"]()
    assert axes.shape == (2, 4)
    assert [ax.get_title() for ax in axes.flat] == ["0, read 0", "0", "0", "0", "1, read 7", "1", "7", "7"]
    wanted = [plots.RIGHT] * 4 + [plots.WRONG, plots.RIGHT] + [plots.WRONG] * 2
    assert [ax.title.get_color() for ax in axes.flat] == wanted
    assert titles_of(axes).startswith("5 of 6 neighbours have the label that was predicted")


def test_disputed_labels_show_votes_and_answers():
    axes = FIGURES["disputed_labels"]()
    assert axes.flat[1].get_title() == "label 0, read 6\n0: 2, 6: 3, none: 0"
    colours = [ax.title.get_color() for ax in axes.flat[:6]]
    assert colours == [plots.RIGHT, plots.WRONG, plots.RIGHT, plots.RIGHT, plots.WRONG, plots.WRONG]
    assert titles_of(axes).startswith("the network disagrees with 3 of 6 disputed labels")


def test_the_ceiling_is_where_the_labels_end():
    ax = FIGURES["ceiling"]()
    assert "above 99.85 %" in ax.get_title()
    assert ax.get_xlim()[1] == 100


# --- the permutation's effect -----------------------------------------------------------------------------------------


def test_crossed_shows_every_network_in_its_colour_and_the_costs():
    ax = permutation_effect_figures.crossed_accuracies(crossed())
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert len(dots) == 4 * 3
    assert sum(len(line.get_xdata()) for line in dots) == 2 * 3 * (1 + 2)
    assert [line.get_color() for line in dots[:6]] == [plots.PLAIN] * 3 + [plots.PERMUTED] * 3
    assert list(dots[4].get_ydata()) == pytest.approx([90.1, 90.3])
    assert "the ConvNet loses 7.90 points" in ax.get_title()
    assert "(one seed, no interval)" in permutation_effect_figures.crossed_accuracies(crossed(1)).get_title()


def test_layouts_stand_where_their_neighbours_are_kept():
    ax = FIGURES["partial_layouts"]()
    named = {text.get_text(): text.xy for text in ax.texts}
    assert named["rows"] == pytest.approx((50, 93))
    assert named["blocks of 7"] == pytest.approx((90, 97))
    assert ax.get_title() == "the ConvNet loses 1.00 points to blocks of 7, 5.00 points to rows"


def test_digit_costs_name_the_digit_that_loses_most():
    assert "the 9 loses most, 5.65 points, the 0 least, 0.25 points" in FIGURES["digit_costs"]().get_title()
    one = permutation_effect_figures.digit_costs({"convnet": np.arange(10).reshape(10, 1, 1) / 100})
    assert "the 9 loses most" in one.get_title()
