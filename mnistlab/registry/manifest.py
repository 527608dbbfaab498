"""The manifest of a version: a strict schema of all that is known about it."""

from __future__ import annotations

import base64
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mnistlab.common.constants import PIXELS, SIDE
from mnistlab.common.errors import CheckpointError
from mnistlab.common.files import strict_json
from mnistlab.evaluation.intervals import Accuracy

SCHEMA = 1  # of the manifest; another form gets another number

Text = Annotated[str, Field(max_length=500)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Part = Literal["validation", "test"]  # of the data: what a version was judged on
Logits = Annotated[list[float], Field(min_length=2, max_length=100)]


class _Strict(BaseModel):
    """No unknown field, no silent conversion, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Architecture(_Strict):
    """Which network, with the arguments that build it."""

    name: Literal["convnet", "fully-connected"]
    arguments: dict[str, int]


class NormalisationInfo(_Strict):
    """Mean and standard deviation of the grey values 0..1."""

    mean: Annotated[float, Field(ge=0, le=1)]
    std: Annotated[float, Field(gt=0, le=1)]


class PermutationInfo(_Strict):
    """Which permutation; the order itself is in the weights file."""

    kind: Literal["identity", "permuted"]
    seed: Annotated[int, Field(ge=0)] | None
    sha256: Sha256


class DataInfo(_Strict):
    """What it learned from."""

    name: Text
    split_seed: int
    n_train: Annotated[int, Field(ge=1)]
    n_validation: Annotated[int, Field(ge=1)]
    train_sha256: Sha256


class TrainingInfo(_Strict):
    """How it was trained."""

    epochs: Annotated[int, Field(ge=1)]
    best_epoch: Annotated[int, Field(ge=1)]
    batch_size: Annotated[int, Field(ge=1)]
    learning_rate: Annotated[float, Field(gt=0)]
    average: Annotated[float, Field(ge=0, lt=1)] = 0.0
    batch_norm: bool = False
    seed: Annotated[int, Field(ge=0)]
    device: Text
    threads: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(ge=0)]
    note: Text = ""
    base: Annotated[str, Field(pattern=r"^[0-9]{4,9}$")] | None = None  # the version it was tuned from
    feedback: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=10_000)] = []  # numbers of corrections


class Metric(_Strict):
    """An accuracy with its Wilson 95 % interval."""

    value: Share
    low: Share
    high: Share
    correct: Annotated[int, Field(ge=0)]
    n: Annotated[int, Field(ge=1, le=10**9)]

    @model_validator(mode="after")
    def _agree(self) -> Metric:
        # What is shown is made from correct and n; a program reads the others.
        if self.correct > self.n:
            raise ValueError(f"{self.correct} right of {self.n} images is not an accuracy")
        accuracy = Accuracy(self.correct, self.n)
        gaps = (self.value - accuracy.value, self.low - accuracy.low, self.high - accuracy.high)
        if max(map(abs, gaps)) > 1e-6:
            raise ValueError(f"value, low and high are not those of {self.correct} right of {self.n}")
        return self

    def __str__(self) -> str:
        return str(Accuracy(self.correct, self.n))


class Level(_Strict):
    """One level of ``conformal.Calibration``: the threshold of the nonconformity score (nats) of a set of this coverage."""

    coverage: Annotated[float, Field(gt=0, lt=1)]
    surprise: Annotated[float, Field(ge=0, le=1000)]


class CalibrationInfo(_Strict):
    """``conformal.Calibration``, made on the validation digits."""

    n: Annotated[int, Field(ge=1)]
    levels: Annotated[list[Level], Field(min_length=1, max_length=20)]
    confidence: Share


class Probe(_Strict):
    """A few images (base64 of 784 bytes each, before the permutation) and the logits the network gave to them."""

    images: Annotated[list[str], Field(min_length=1, max_length=64)]
    logits: Annotated[list[Logits], Field(min_length=1, max_length=64)]

    def decoded(self) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Images uint8 (n, 28, 28) and their logits (n, C).

        Raises
        ------
        CheckpointError : with code ``"probe"``; an image is no base64 of 784 bytes, or there is not one row of C logits for each.
        """
        try:
            raw = [base64.b64decode(image, validate=True) for image in self.images]
        except ValueError as error:  # binascii.Error is one; characters beyond ASCII raise the bare one
            raise CheckpointError(f"a probe image is not base64: {error}", code="probe") from None
        widths = {len(row) for row in self.logits}
        if any(len(image) != PIXELS for image in raw) or len(self.logits) != len(raw) or len(widths) != 1:
            raise CheckpointError(
                f"the probe is not {len(raw)} images of {PIXELS} bytes with as many logits each", code="probe"
            )
        return np.frombuffer(b"".join(raw), dtype=np.uint8).reshape(-1, SIDE, SIDE), np.array(self.logits)


class Manifest(_Strict):
    """All that is known about a version; the schema of ``manifest.json``."""

    schema_version: Annotated[int, Field(ge=SCHEMA, le=SCHEMA)]
    version: Annotated[str, Field(pattern=r"^[0-9]{4,9}$")]
    created: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
    architecture: Architecture
    parameters: Annotated[int, Field(ge=1)]
    normalisation: NormalisationInfo
    permutation: PermutationInfo
    data: DataInfo | None  # neither is known of an imported version
    training: TrainingInfo | None
    imported: Text | None = None
    metrics: dict[Part, Metric]
    calibration: CalibrationInfo | None = None  # versions made before there was one have none
    run: Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]{1,100}$")] | None = None  # which headless run made it
    libraries: dict[Text, Text]
    git_commit: Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}$")] | None
    weights_sha256: Sha256
    probe: Probe

    @model_validator(mode="after")
    def _complete(self) -> Manifest:
        if "validation" not in self.metrics:
            raise ValueError("metrics lacks validation")
        if (self.data is None or self.training is None) != (self.imported is not None):
            raise ValueError("imported versions, and no others, lack data and training")
        if self.training and self.training.best_epoch > self.training.epochs:
            raise ValueError(f"best_epoch {self.training.best_epoch} is not one of {self.training.epochs} epochs")
        return self

    def summary(self) -> str:
        """One line: architecture, permutation, accuracy."""
        scramble = "plain" if self.permutation.kind == "identity" else "permuted"
        judged: Part = "test" if "test" in self.metrics else "validation"
        return f"{self.architecture.name}, {self.parameters:,} parameters, {scramble}; {judged} {self.metrics[judged]}"


def parse_manifest(text: bytes) -> Manifest:
    """A manifest from strict JSON: UTF-8, no duplicate key, no NaN, no unknown field.

    Raises
    ------
    CheckpointError : with code ``"manifest"``, naming the first fault.
    """
    try:
        strict_json(text)
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise invalid_manifest(error) from None
    except ValueError as error:
        raise CheckpointError(f"the manifest is not strict JSON: {str(error)[:200]}", code="manifest") from None


def invalid_manifest(error: ValidationError) -> CheckpointError:
    """The first fault that the schema found, in one sentence."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:100]
    message = first["msg"].removeprefix("Value error, ")
    return CheckpointError(f"the manifest is not valid at {where or 'the top level'}: {message[:200]}", code="manifest")
