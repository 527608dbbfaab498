"""A version for people: every line of its card and of its lineage, from a manifest that is known in full."""

from __future__ import annotations

import pytest
from made import MANIFEST_FIELDS

from mnistlab.registry.card import lineage, model_card
from mnistlab.registry.manifest import Manifest


def manifest(**changes: object) -> Manifest:
    return Manifest.model_validate({**MANIFEST_FIELDS, **changes})


def rows(card: str) -> dict[str, str]:
    lines = [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("| ") and line != "| | |"]
    return {name: value for name, value in lines}


def test_the_card_holds_what_the_manifest_knows():
    card = model_card(manifest())
    assert card.startswith("# Version 0042\n\nNote: a note\n\n| | |\n|---|---|\n")
    assert rows(card) == {
        "architecture": "convnet {'input_size': 1, 'n_kernels': 6, 'output_size': 10}",
        "parameters": "6,422",
        "permutation of the pixels": "fixed, seed 42, 0123456789ab...",
        "normalisation": "mean 0.1307, standard deviation 0.3081",
        "data": "mnist, 55,000 to train, 5,000 to validate",
        "training": "7 epochs (best: 6), batch 128, peak rate 0.01, seed 3, 61 s on cpu",
        "accuracy on validation": "98.00 % [97.57, 98.35], n = 5,000",
        "accuracy on test": "98.00 % [97.71, 98.26], n = 10,000",
        "made": "2026-01-02T03:04:05Z, commit 0123456789ab",
        "libraries": "torch 2.14.1, numpy 2.4.6",
    }
    assert "The test images took no part in training or in any choice." in card


def test_what_is_not_known_is_not_made_up():
    card = model_card(
        manifest(
            data=None,
            training=None,
            imported="from elsewhere",
            git_commit=None,
            permutation={"kind": "permuted", "seed": None, "sha256": "0123456789abcdef" * 4},
        )
    )
    found = rows(card)
    assert (found["data"], found["training"]) == ("not known", "not known")
    assert found["permutation of the pixels"] == "fixed, 0123456789ab..."
    assert found["made"].endswith(", commit unknown")
    assert "Note: from elsewhere" in card
    assert "It may have learned from them." in card


def test_plain_pixels_and_a_normalised_batch_are_named():
    training = {**MANIFEST_FIELDS["training"], "batch_norm": True, "note": ""}
    card = model_card(manifest(permutation={"kind": "identity", "seed": None, "sha256": "00" * 32}, training=training))
    assert rows(card)["permutation of the pixels"] == "none: pixels stay where they are"
    assert "batch 128, normalised over the batch, peak rate" in card
    assert "Note:" not in card


def test_the_lineage_names_everything_in_full():
    assert lineage(manifest()) == {
        "version": "0042, made 2026-01-02T03:04:05Z",
        "weights": f"SHA-256 {'ab' * 32}",
        "permutation": f"permuted, seed 42, SHA-256 {'0123456789abcdef' * 4}",
        "training images": f"55,000, set mnist, SHA-256 {'fedcba9876543210' * 4}",
        "training run": "2026-01-02_03-04-05",
        "code": "0123456789abcdef0123456789abcdef01234567",
    }


@pytest.mark.parametrize(
    ("changes", "run"),
    [
        ({"run": None}, "not made by a headless run, or before runs were noted"),
        ({"run": None, "data": None, "training": None, "imported": "from elsewhere"}, "from elsewhere"),
    ],
)
def test_without_a_run_the_lineage_says_so(changes, run):
    found = lineage(manifest(**changes, git_commit=None))
    assert (found["training run"], found["code"]) == (run, "unknown commit")


def test_a_tuned_version_names_its_base():
    training = {**MANIFEST_FIELDS["training"], "base": "0041", "feedback": [1, 2, 5]}
    assert lineage(manifest(training=training))["tuned from"] == "0041, on 3 corrections"
