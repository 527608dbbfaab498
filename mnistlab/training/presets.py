"""Ways to train the small ConvNet that were tried and measured, under four names.

How well each does, over how many seeds and in what time, ``mnistlab benchmark preset NAME`` finds out; all choices in here were
made on validation images. On the test images, over five seeds, ``fast`` reads 99.10 % [98.96, 99.25] and ``best`` 99.39 %
[99.24, 99.54].

What did not pay, each by one training of one seed and 20 passes: the answers of a wide network beside the labels (distillation),
0.6 or 1.5 times the changes to the images, twice the rate. On a processor without instructions for bf16, bf16 is slower.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mnistlab.common.errors import TrainingError
from mnistlab.data.augmentation import Augmentation
from mnistlab.training.records import TrainingSettings

SLIGHT = Augmentation(degrees=8.0, shear=0.1, scale=0.08, shift=1.2, pen=0.0)  # what handwriting does anyway


@dataclass(frozen=True)
class Preset:
    """A way to train.

    Attributes
    ----------
    meaning : what it is for, in a few words.
    settings : for ``loop.train``.
    augmentation : how images are changed, each time anew; None leaves them as they are.
    """

    meaning: str
    settings: TrainingSettings
    augmentation: Augmentation | None = None

    def change(self, **values: object) -> Preset:
        """The same with other settings; None stands for the preset's own value.

        Raises
        ------
        TrainingError : there is no such setting, or it does not take this value.
        """
        given = {name: value for name, value in values.items() if value is not None}
        if unknown := set(given) - set(TrainingSettings.__dataclass_fields__):
            allowed = ", ".join(TrainingSettings.__dataclass_fields__)
            raise TrainingError(f"there is no setting {', '.join(sorted(unknown))}; there is {allowed}", code="setting")
        return replace(self, settings=replace(self.settings, **given))


PRESETS: dict[str, Preset] = {
    "quick": Preset("one pass, to try the machinery", TrainingSettings(epochs=1)),
    "sprint": Preset(
        "one pass that counts", TrainingSettings(epochs=1, batch_size=256, learning_rate=0.03, batch_norm=True)
    ),
    "fast": Preset(
        "99 % of the test images in half a minute",
        TrainingSettings(epochs=6, batch_size=256, learning_rate=0.02, average=0.99, batch_norm=True),
        SLIGHT,
    ),
    "best": Preset(
        "the limit of the small network",
        TrainingSettings(epochs=30, batch_size=64, average=0.999, batch_norm=True),
        SLIGHT,
    ),
}


def preset(name: str) -> Preset:
    """One of ``PRESETS`` by name.

    Raises
    ------
    TrainingError : there is none of that name.
    """
    if name not in PRESETS:
        raise TrainingError(f"there is no preset {name!r}; there is {', '.join(PRESETS)}", code="preset")
    return PRESETS[name]
