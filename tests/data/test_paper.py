import numpy as np
import pytest
from pictures import seven

from mnistlab.data import paper


def lit(ink: np.ndarray, *, fall: float = 0.3, shadow: float = 1.0) -> np.ndarray:
    """A sheet with this ink on it, darker to the right, its lower left half in shadow."""
    light = np.linspace(1, 1 - fall, ink.shape[1]) * np.ones(ink.shape)
    light[np.tri(*ink.shape, k=-40, dtype=bool)] *= shadow
    grain = np.random.default_rng(0).normal(0, 2, ink.shape)
    return np.clip(230 * light * (1 - 0.7 * ink / 255.0) + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shadow", [1.0, 0.6])
@pytest.mark.parametrize("inverse", [False, True])
def test_uneven_light_and_a_shadow_leave_the_ink_alone(shadow, inverse):
    photo = lit(seven(), shadow=shadow)
    found = paper.clear(255 - photo if inverse else photo) > 127
    wanted = seven() > 127
    assert (found & wanted).sum() > 0.9 * wanted.sum()
    assert (found & ~wanted).sum() < 0.1 * wanted.sum()


def test_a_sheet_without_ink_has_none():
    assert not paper.clear(lit(np.zeros((280, 280), np.uint8))).any()
