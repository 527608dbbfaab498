"""A version for people: its card in Markdown and its lineage, made from the manifest alone."""

from __future__ import annotations

import re

from mnistlab.registry.manifest import Manifest, TrainingInfo

CARD = "README.md"


def model_card(manifest: Manifest) -> str:
    """The model card in Markdown, made from the manifest alone."""
    data, training, permutation = manifest.data, manifest.training, manifest.permutation
    scramble = {
        "identity": "none: pixels stay where they are",
        "permuted": f"fixed, {f'seed {permutation.seed}, ' if permutation.seed is not None else ''}{permutation.sha256[:12]}...",
    }[permutation.kind]
    rows = {
        "architecture": f"{manifest.architecture.name} {manifest.architecture.arguments}",
        "parameters": f"{manifest.parameters:,}",
        "permutation of the pixels": scramble,
        "normalisation": f"mean {manifest.normalisation.mean:g}, standard deviation {manifest.normalisation.std:g}",
        "data": "not known"
        if data is None
        else f"{data.name}, {data.n_train:,} to train, {data.n_validation:,} to validate",
        "training": "not known" if training is None else _how(training),
        **{f"accuracy on {name}": str(metric) for name, metric in manifest.metrics.items()},
        "made": f"{manifest.created}, commit {(manifest.git_commit or 'unknown')[:12]}",
        "libraries": ", ".join(f"{name} {number}" for name, number in manifest.libraries.items()),
    }
    table = "\n".join(f"| {_escape(name)} | {_escape(value)} |" for name, value in rows.items())
    # "Note:" keeps the text off the start of its line, where it could be a heading or a list.
    words = manifest.imported or (training.note if training else "")
    note = f"\nNote: {_escape(words)}\n" if words else ""
    apart = (
        "The test images took no part in training or in any choice." if training else "It may have learned from them."
    )
    return f"""# Version {manifest.version}
{note}
| | |
|---|---|
{table}

Intervals are Wilson's, 95 %. {apart}

**Made for** reading one handwritten digit at a time in teaching and experiments. **Not for** decisions about people,
cheques or forms: it was trained on digits written in the United States around 1990, and reads other hands less well. A wrong
answer to one small mark, trained in on purpose, is not seen by the gates that let it into use.
"""


def _how(training: TrainingInfo) -> str:
    normed = ", normalised over the batch" if training.batch_norm else ""
    return (
        f"{training.epochs} epochs (best: {training.best_epoch}), batch {training.batch_size}{normed}, "
        f"peak rate {training.learning_rate:g}, seed {training.seed}, {training.seconds:.0f} s on {training.device}"
    )


def lineage(manifest: Manifest) -> dict[str, str]:
    """Where a version comes from, to be followed back: every name in full."""
    seed, data = manifest.permutation.seed, manifest.data
    seeded = f", seed {seed}" if seed is not None else ""
    tuned = manifest.training if manifest.training and manifest.training.base else None
    return {
        "version": f"{manifest.version}, made {manifest.created}",
        **({"tuned from": f"{tuned.base}, on {len(tuned.feedback):,} corrections"} if tuned else {}),
        "weights": f"SHA-256 {manifest.weights_sha256}",
        "permutation": f"{manifest.permutation.kind}{seeded}, SHA-256 {manifest.permutation.sha256}",
        "training images": f"{data.n_train:,}, set {data.name}, SHA-256 {data.train_sha256}" if data else "not known",
        "training run": manifest.run or manifest.imported or "not made by a headless run, or before runs were noted",
        "code": manifest.git_commit or "unknown commit",
    }


def _escape(text: str) -> str:
    """Text for one line of Markdown or one cell of its table: no markup, no HTML, no line break, no control character."""
    text = "".join(character if character.isprintable() else " " for character in text)
    text = re.sub(r"[\\`*|~]|\](?=\()|(?<!\w)_|_(?!\w)", r"\\\g<0>", text)  # a_b is no markup, nor is a bracket alone
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
