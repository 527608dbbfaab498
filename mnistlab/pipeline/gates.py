"""Whether a new version may take the place of the one in use: gates, each with its limit and its reason.

**Which images judge.** Gates decide again and again, and whoever asks the same test images often enough ends up with the
version that suits those images. So they ask the 5,000 validation images, which no version learned from, and drawn digits with
a seed of their own; both networks chose their epoch on validation, so neither has an advantage there. The test images are read
once per version, when it is saved; here only that figure is looked at, and only to see whether it is too good to be true.

A gate has the name of what it guards, and answers with one sentence. All are asked, so that a refusal names every reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

from mnistlab.common.constants import CLASSES
from mnistlab.common.errors import CheckpointError, LabError
from mnistlab.common.files import read_regular
from mnistlab.data.mnist import Digits
from mnistlab.evaluation import formatting, intervals
from mnistlab.evaluation.intervals import Accuracy, McNemar, compare
from mnistlab.pipeline.decision import Decision, EvaluatedVersion, JudgingData, Verdict, evaluate_version
from mnistlab.registry import checkpoint, layout, retention
from mnistlab.registry.manifest import parse_manifest
from mnistlab.registry.registry import Registry

# Points of accuracy a version may lose and still count as no worse: 25 of 5,000 images, about what another seed changes. With
# the 40 or so images on which two good networks disagree, an equally good one passes 19 times in 20.
MARGIN = 0.005
MARGIN_DRAWN = 0.02  # the same on 500 drawn digits, a tenth of the images
CONFIDENCE = 0.95  # one-sided, of "not worse by more than the margin"; two-sided, of "worse at all" (exact McNemar)
# Share of one digit's validation images that a version may read less of than the best one of its kind that was ever in use: 7 of
# 500. Two seeds of one recipe differ by 2 or so. The best stays the same, so nothing is lost little by little.
MARGIN_DIGIT = 0.015
SLACK = 5  # images on which another machine may read otherwise than the one that wrote the manifest
FLOOR = 0.95  # share right of each digit; the weakest of the first plain version has 97.7 % of 5,000 validation images
FLOOR_DRAWN = 0.90  # of drawn digits where there is no version to compare with; the first plain one has 95 %
ECE = 0.02  # expected calibration error; sound versions have 0.002 to 0.011
# Times the mean log loss of the version in use. Seeds differ by a few per cent; confidences that are raised to extremes
# multiply it, which the ECE of a network that is 99 % right hardly shows.
LOG_LOSS = 1.5
LOG_LOSS_SLACK = 0.005  # nats; keeps the ratio from deciding between two very small numbers
SIZE = 2**20  # bytes of the weights; versions are committed and travel with the lab. That of 48 kernels has 398 kB
MILLISECONDS = 50.0  # median of a reading, from strokes to digit: 20 a second keep up with a pen
SLOWER = 2.0  # times the version in use; so a busy machine, which slows both, refuses nothing
LEAK = 0.001  # p-value (Fisher, two-sided) of "test and validation images are read equally well"


def decide(candidate: Path, current: Path | None, judging: JudgingData, *, best: Path | None = None) -> Decision:
    """Ask all gates about a version.

    Parameters
    ----------
    candidate : its folder, anywhere.
    current : folder of the version in use; None if there is none.
    best : folder of the best version ever in use, as ``best_in`` finds it; None takes the one in use for it.

    Raises
    ------
    CheckpointError : the version in use is not sound; of the candidate that is a verdict.
    """
    version = current.name if current else None
    in_use = _evaluated(current, judging) if current else None
    anchor = _evaluated(best, judging) if best and best.name != version else in_use
    try:
        new = _evaluated(candidate, judging)
        if judging.test is not None:
            new = replace(new, test=_share_read(new, judging.test))
    except CheckpointError as error:
        return Decision(candidate.name, version, (Verdict("sound", False, str(error)),), {})
    sound = Verdict("sound", True, "its files pass every check, the golden probe included")
    verdicts = (sound, *(gate(new, in_use, judging) for gate in GATES), near_the_best(new, anchor))
    return Decision(candidate.name, version, verdicts, new.as_dict())


def best_in(registry: Registry, candidate: Path) -> Path | None:
    """The folder of the best version of a candidate's kind that was ever in use; None if none was, or the candidate has none."""
    try:
        manifest = parse_manifest(read_regular(candidate / layout.MANIFEST, layout.MAX_MANIFEST))
        name = registry.best(retention.kind(manifest))
    except LabError:
        return None
    return registry.root / name if name else None


def same_data(new: EvaluatedVersion, in_use: EvaluatedVersion | None, judging: JudgingData) -> Verdict:
    """The images that judge must be ones it did not learn from."""
    data = new.checkpoint.manifest.data
    if data is None:
        return Verdict("data", False, "it was imported; what it learned from is not known")
    passed = (data.name, data.split_seed) == (judging.name, judging.split_seed)
    held_out = f"it held out the validation images of {data.name}, split {data.split_seed}"
    asked = f"those asked here are of {judging.name}, split {judging.split_seed}"
    return Verdict("data", passed, held_out if passed else f"{held_out}; {asked}, and it may have learned from them")


def no_leak(new: EvaluatedVersion, in_use: EvaluatedVersion | None, judging: JudgingData) -> Verdict:
    """A network that learned from the test images reads them better than validation images, and the other way round."""
    metrics = new.checkpoint.manifest.metrics
    if "test" not in metrics:
        return Verdict("leak", False, "it was saved without a figure on the test images, so nothing can be said")
    validation, test = metrics["validation"], metrics["test"]
    table = [(share.correct, share.n - share.correct) for share in (validation, test)]
    p = float(stats.fisher_exact(table).pvalue)
    reason = f"it read {validation} validation images and {test} test images ({formatting.p_value(p)}, Fisher)"
    return Verdict("leak", p >= LEAK, reason if p >= LEAK else f"{reason}: too different for images of the same kind")


def figures_hold(new: EvaluatedVersion, in_use: EvaluatedVersion | None, judging: JudgingData) -> Verdict:
    """What its manifest says must be what is seen here: no figure of a candidate is believed."""
    said, wrong = new.checkpoint.manifest.metrics, []
    seen = {"validation": new.validation.accuracy, "test": new.test}
    for part, share in seen.items():
        if share is not None and part in said and not _agree(Accuracy(said[part].correct, said[part].n), share):
            wrong.append(f"its manifest says {said[part]} {part} images; it reads {share}")
    return Verdict("figures", not wrong, "; ".join(wrong) or "what its manifest says is what it reads here")


def not_worse(new: EvaluatedVersion, in_use: EvaluatedVersion | None, judging: JudgingData) -> Verdict:
    """Overall: not significantly worse, and the loss surely below the margin."""
    if in_use is None:
        return _above("overall", new.validation.accuracy, FLOOR)
    paired = compare(new.validation.correct, in_use.validation.correct)
    return _non_inferior("overall", paired, new.version, in_use.version, MARGIN)


def every_digit(new: EvaluatedVersion, in_use: EvaluatedVersion | None, judging: JudgingData) -> Verdict:
    """A floor for each digit: a good mean may hide a digit that is lost."""
    shares = {digit: new.validation.recall_of(digit) for digit in range(CLASSES)}
    low = {digit: share for digit, share in shares.items() if share.value < FLOOR}
    weakest = min(shares, key=lambda digit: shares[digit].value)
    named = "; ".join(f"the {digit} with {share}" for digit, share in (low or {weakest: shares[weakest]}).items())
    return Verdict(
        "digits", not low, f"below {formatting.percent(FLOOR, 0)}: {named}" if low else f"the weakest is {named}"
    )


def near_the_best(new: EvaluatedVersion, best: EvaluatedVersion | None) -> Verdict:
    """No digit, and not the whole, far below the best version ever in use; else step by step anything could be lost."""
    if best is None:
        return Verdict("best", True, "no version of its kind was in use before")
    losses = {
        f"of the {digit}": (
            best.validation.recall_of(digit).value - new.validation.recall_of(digit).value,
            MARGIN_DIGIT,
        )
        for digit in range(CLASSES)
    }
    losses["of all"] = (best.validation.accuracy.value - new.validation.accuracy.value, MARGIN)
    lost = [f"{formatting.points(loss)} {what}" for what, (loss, margin) in losses.items() if loss > margin]
    allowed = f"at most {formatting.points(MARGIN_DIGIT)} of a digit and {formatting.points(MARGIN)} of all may be lost"
    if lost:
        return Verdict(
            "best",
            False,
            f"against version {best.version}, the best ever in use, it loses {', '.join(lost)}; {allowed}",
        )
    return Verdict("best", True, f"against version {best.version}, the best ever in use: {allowed}")


def calibrated(new: EvaluatedVersion, in_use: EvaluatedVersion | None, judging: JudgingData) -> Verdict:
    """Its confidences must mean something: near the shares right, and seldom high for a wrong digit."""
    limit = LOG_LOSS * in_use.log_loss + LOG_LOSS_SLACK if in_use else np.inf
    ece = new.validation.reliability.ece
    at_most = f", at most {limit:.4f}" if in_use else ""
    reason = (
        f"calibration error {formatting.percent(ece)}, at most {formatting.percent(ECE)}; "
        f"mean log loss {new.log_loss:.4f} nats{at_most}"
    )
    return Verdict("calibration", ece <= ECE and new.log_loss <= limit, reason)


def drawings_read(new: EvaluatedVersion, in_use: EvaluatedVersion | None, judging: JudgingData) -> Verdict:
    """What a pen draws: no worse on digits drawn for this, and none of the stored drawings lost."""
    if in_use is None:
        return _above("drawings", Accuracy.of(new.drawn), FLOOR_DRAWN)
    verdict = _non_inferior("drawings", compare(new.drawn, in_use.drawn), new.version, in_use.version, MARGIN_DRAWN)
    if lost := sorted(in_use.stored - new.stored):
        return Verdict("drawings", False, f"no longer read: {', '.join(lost)}; {verdict.reason}")
    return verdict


def small(new: EvaluatedVersion, in_use: EvaluatedVersion | None, judging: JudgingData) -> Verdict:
    """Size of the weights."""
    return Verdict("size", new.size <= SIZE, f"its weights have {new.size:,} bytes, at most {SIZE:,}")


def quick(new: EvaluatedVersion, in_use: EvaluatedVersion | None, judging: JudgingData) -> Verdict:
    """Time of a reading; too slow only if also slower than the version in use is on this machine now."""
    limit = max(MILLISECONDS, SLOWER * in_use.milliseconds if in_use else 0)
    reason = f"a reading takes {new.milliseconds:.1f} ms, at most {limit:.0f}"
    return Verdict("latency", new.milliseconds <= limit, reason)


Gate = Callable[[EvaluatedVersion, EvaluatedVersion | None, JudgingData], Verdict]
GATES: tuple[Gate, ...] = (
    same_data,
    figures_hold,
    no_leak,
    not_worse,
    every_digit,
    calibrated,
    drawings_read,
    small,
    quick,
)


def _evaluated(folder: Path, judging: JudgingData) -> EvaluatedVersion:
    return evaluate_version(checkpoint.load_checkpoint(folder), (folder / layout.WEIGHTS).stat().st_size, judging)


def _share_read(version: EvaluatedVersion, digits: Digits) -> Accuracy:
    return Accuracy.of(version.checkpoint.logits(digits.images).argmax(axis=1) == np.asarray(digits.labels))


def _agree(said: Accuracy, seen: Accuracy) -> bool:
    """The same share; of other images, one that chance explains."""
    if said.n == seen.n:
        return abs(said.correct - seen.correct) <= SLACK
    return (
        float(stats.fisher_exact([(share.correct, share.n - share.correct) for share in (said, seen)]).pvalue) >= LEAK
    )


def _above(gate: str, share: Accuracy, floor: float) -> Verdict:
    reason = f"{share}, at least {formatting.percent(floor, 0)} where no version is in use to compare with"
    return Verdict(gate, share.value >= floor, reason)


def _non_inferior(gate: str, paired: McNemar, new: str, in_use: str, margin: float) -> Verdict:
    """Exact McNemar against "worse at all", and the lower bound of the paired difference against the margin."""
    half_width = (
        (paired.difference - paired.low) * stats.norm.ppf(CONFIDENCE) / stats.norm.ppf((1 + intervals.CONFIDENCE) / 2)
    )
    lower_bound = paired.difference - half_width
    reason = formatting.mcnemar(paired, new if new != in_use else "the new version", in_use)
    if paired.difference < 0 and paired.p_value < 1 - CONFIDENCE:
        return Verdict(gate, False, f"{reason}: it is worse")
    if lower_bound < -margin:
        loss, allowed = formatting.points(-lower_bound), formatting.points(margin)
        return Verdict(gate, False, f"{reason}: it may lose {loss}, more than {allowed}")
    return Verdict(gate, True, reason)
