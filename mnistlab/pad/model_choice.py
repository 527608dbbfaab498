"""Which networks read a drawing: one version, and a second beside it if wanted. Pure state, with no widget in it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from mnistlab.common.errors import CheckpointError, RegistryError
from mnistlab.inference.predictor import Predictor
from mnistlab.registry.manifest import Manifest
from mnistlab.registry.names import version_name, version_names
from mnistlab.registry.registry import Registry


class ModelChoice:
    """The network that reads, the one beside it, and all on offer.

    Parameters
    ----------
    predictor, version, models, compare_with : as ``widget.DigitPad`` takes them.

    Raises
    ------
    RegistryError, CheckpointError : there is no such version, or it is not on offer; it is not sound.
    """

    def __init__(
        self,
        predictor: Predictor | None = None,
        *,
        version: str = "current",
        models: Path | str | None = None,
        compare_with: Predictor | str | None = None,
    ) -> None:
        given = [each for each in (predictor, compare_with) if isinstance(each, Predictor)]
        if given and predictor is None:
            raise RegistryError(
                "compare_with takes a predictor only beside a predictor; name a version instead", code="compare_with"
            )
        self.registry = None if predictor else Registry(models)  # the versions on offer; None with a given predictor
        self._given = given
        self.own: Predictor | None = None  # of this pad alone: what it learned from the hand that draws on it
        self._before = ""  # the version that read before that
        self.first = predictor or self._load(version)  # the network that reads
        # the one that reads beside it, or None
        self.second = self._load(compare_with) if isinstance(compare_with, str) else compare_with

    @property
    def is_fixed(self) -> bool:
        """True if there is no other version to choose."""
        return self.registry is None

    def options(self) -> list[tuple[str, str]]:
        """The versions on offer as (name, number), the newest first."""
        manifests = self._manifests()
        names = version_names(manifests.values())
        if self.registry is None:
            return [(names[each.version], each.version) for each in self._given]
        mine = [] if self.own is None else [(self.name(self.own), self.own.version)]
        # A damaged one stays on the list, and choosing it says what is wrong.
        return mine + [
            (names.get(number, f"{number}, damaged"), number) for number in reversed(self.registry.versions())
        ]

    def name(self, predictor: Predictor) -> str:
        """What a version is called among those on offer."""
        return version_name(predictor.checkpoint.manifest, self._manifests().values())

    @property
    def scrambled(self) -> str | None:
        """The newest version on offer that reads scrambled pixels, or None."""
        kinds = {number: each.permutation.kind for number, each in self._manifests().items()}
        return max((number for number, kind in kinds.items() if kind == "permuted"), default=None)

    @property
    def is_scrambled(self) -> bool:
        """That version reads beside the first."""
        return self.second is not None and self.second.version == self.scrambled

    def _manifests(self) -> dict[str, Manifest]:
        """Of the versions on offer, by number; without damaged ones."""
        if self.registry is None:
            return {each.version: each.checkpoint.manifest for each in self._given}
        found = {}
        for number in self.registry.versions():
            with suppress(CheckpointError):
                found[number] = self.registry.manifest(number)
        return found

    def adopt(self, own: Predictor) -> None:
        """Read with a version of this pad's own."""
        self._before = self.first.version
        self.own = self.first = own

    def disown(self) -> None:
        """Have none, and read with the version before."""
        was_first, self.own = self.first is self.own, None
        if (
            self.second is not None
            and self.registry is not None
            and self.second.version not in self.registry.versions()
        ):
            self.second = None
        if was_first:
            self.first = self._load(self._before)

    def choose(self, version: str) -> None:
        """Read with another version; one that cannot be loaded leaves the one in use.

        Raises
        ------
        RegistryError, CheckpointError : there is no such version on offer; it is not sound.
        """
        self.first = self._load(version)

    def compare(self, version: str | None) -> None:
        """Let a second version read too; None ends it. Errors as in ``choose``."""
        self.second = None if version is None else self._load(version)

    def _load(self, version: str) -> Predictor:
        if self.own is not None and version == self.own.version:
            return self.own
        if self.registry is not None:
            return Predictor.load(version, models=self.registry.root)
        for predictor in self._given:
            if predictor.version == version:
                return predictor
        names = " and ".join(predictor.version for predictor in self._given)
        raise RegistryError(f"this pad reads with version {names} only, not {version!r}", code="unknown")
