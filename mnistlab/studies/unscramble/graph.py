"""From scrambled images to a drawing of who stands next to whom: similarity, graph, embedding.

Images are uint8 (N, 28, 28) or (N, 784), in any order of the pixels; a pixel is named by its place in them, 0 to 783. Nothing
here knows where a pixel came from. Positions are float (n, 2), row and column, in pixels, up to a turn or a mirror; edges
bool (n, n), symmetric.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csgraph, csr_array, diags_array
from scipy.sparse.linalg import factorized
from torch import Tensor

from mnistlab.common.constants import PIXELS
from mnistlab.common.errors import DataError

NEIGHBOURS = 4  # a pixel of a grid has four
MAJORISATIONS = 30  # steps of the city-block embedding; more change no assignment
SNAPS = 30  # rounds at most; two or three are enough


def lit_counts(images: Tensor) -> np.ndarray:
    """In how many images each pixel is lit (grey above 0): int (784,).

    Raises
    ------
    DataError : fewer than two images, or images that have no 784 pixels.
    """
    if images.ndim not in (2, 3) or images[0:1].numel() != PIXELS * min(1, len(images)) or len(images) < 2:
        raise DataError(
            f"unscrambling takes two or more images of {PIXELS} pixels, not {tuple(images.shape)}", code="images"
        )
    return (images.reshape(len(images), PIXELS) > 0).sum(dim=0).numpy()


def correlation(images: Tensor) -> np.ndarray:
    """How each two pixels vary together: float (784, 784), -1 to 1, diagonal 0; 0 throughout for one that never varies.

    Of the square roots of grey, because a stroke's soft edge says more about where it runs than its black middle.
    """
    grey = (images.reshape(len(images), PIXELS).float() / 255).sqrt().double()
    grey -= grey.mean(dim=0)
    length = grey.norm(dim=0)
    grey /= length.where(length > 1e-9, 1)
    grey[:, length <= 1e-9] = 0
    correlation = (grey.T @ grey).numpy()
    np.fill_diagonal(correlation, 0)
    return correlation


def lit_together(images: Tensor) -> np.ndarray:
    """How much more often each two pixels are lit in the same images than by chance: the phi coefficient, float (784, 784).

    -1 to 1, diagonal 0; 0 throughout for a pixel that is always lit or never. Of pixels lit in a handful of images it says
    what there is to say, where a partial correlation would be noise.
    """
    lit = (images.reshape(len(images), PIXELS) > 0).float()
    together = (lit.T @ lit).double().numpy()  # exact: whole numbers below 2**24
    count, n = np.diag(together), len(images)
    spread = np.sqrt(count * (n - count))
    scale = np.outer(spread, spread)
    phi = np.divide(n * together - np.outer(count, count), scale, out=np.zeros_like(scale), where=scale > 0)
    np.fill_diagonal(phi, 0)
    return phi


def partial_correlation(correlation: np.ndarray, *, ridge: float) -> np.ndarray:
    """How each two pixels vary together once all others are known: float (784, 784), -1 to 1, diagonal 0.

    It is read off the inverse of the correlation matrix after ``ridge`` (above 0) has been added to its diagonal. The
    correlation, where the covariance would drown pixels that are rarely lit. A pixel that never varies has 0 throughout.
    """
    precision = np.linalg.inv(correlation + (1 + ridge) * np.eye(len(correlation)))
    scale = np.sqrt(np.diag(precision))
    partial = -precision / np.outer(scale, scale)
    np.fill_diagonal(partial, 0)
    return partial


def neighbour_graph(similarity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Who is next to whom: adjacency bool (n, n) of the largest connected part, and which of the pixels (m, m) it holds.

    Two pixels are joined if each is among the other's four most similar, and if the edge closes a square with three other
    edges, as every edge of a grid does. An edge that joins two far places, and would fold the picture, seldom closes one.

    Raises
    ------
    DataError : no edge is left; the images are too few, or their pixels have no neighbours.
    """
    m = len(similarity)
    chosen = np.zeros((m, m), dtype=bool)
    chosen[np.arange(m)[:, None], np.argsort(-similarity, axis=1)[:, :NEIGHBOURS]] = True
    edges = chosen & chosen.T & (similarity > 0)
    for _ in range(2):  # dropping an edge may leave another without its square
        steps = edges.astype(float)
        degree = steps.sum(axis=1)
        edges &= steps @ steps @ steps > degree[:, None] + degree - 1  # more walks of 3 than go to and fro
    _, part = csgraph.connected_components(csr_array(edges))
    kept = np.flatnonzero(part == np.bincount(part).argmax()) if m else np.arange(0)
    if len(kept) < 2:
        raise DataError(
            f"no neighbours can be told from these images: of {m} pixels that vary, no two are joined in a grid; "
            "more images may help",
            code="no-neighbours",
        )
    return edges[np.ix_(kept, kept)], kept


def embed(edges: np.ndarray) -> np.ndarray:
    """Positions in which city-block distances come close to steps along the edges: float (n, 2).

    Classical scaling of the steps, turned so that the edges run along the axes, then stress majorisation (De Leeuw 1977;
    Gansner, Koren and North 2005, whose weights 1 / steps² these are). In a grid the steps between two pixels are their
    city-block distance, so the straight distance aimed at is the steps times what the present direction makes of them.
    """
    steps = csgraph.shortest_path(csr_array(edges), unweighted=True)
    n = len(steps)
    centre = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-0.5 * centre @ steps**2 @ centre)
    positions = upright(vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0)), edges)
    weights = np.divide(1, steps**2, out=np.zeros_like(steps), where=steps > 0)
    solver = np.linalg.pinv(np.diag(weights.sum(axis=1)) - weights, hermitian=True)
    for _ in range(MAJORISATIONS):
        apart = positions[:, None] - positions
        block = np.maximum(np.abs(apart).sum(axis=-1), 1e-9)
        pull = weights * steps / block  # weight * wanted distance / present distance; the latter cancels
        positions = solver @ (pull.sum(axis=1)[:, None] * positions - pull @ positions)
    return upright(positions, edges)


def upright(positions: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Positions turned so that the edges run along rows and columns, and scaled so that half of them are 1 long or more."""
    i, j = np.nonzero(edges)
    plane = positions[:, 1] + 1j * positions[:, 0]
    turn = np.angle(np.exp(4j * np.angle(plane[i] - plane[j])).mean()) / 4
    plane = plane * np.exp(-1j * turn)
    turned = np.stack([plane.imag, plane.real], axis=1)
    return turned / max(1e-9, np.median(np.abs(turned[i] - turned[j]).max(axis=1)))


def snap(positions: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Positions in which each edge is, as nearly as all together allow, one pixel along its own row or column.

    Each edge takes the one of four directions it is nearest to; least squares then find the positions, and may change a
    direction. It ends when none changes.
    """
    i, j = np.nonzero(np.triu(edges))
    solve = factorized(
        (csgraph.laplacian(csr_array(edges.astype(float))) + diags_array(np.full(len(edges), 1e-9))).tocsc()
    )
    before = None
    for _ in range(SNAPS):
        apart = positions[i] - positions[j]
        wanted = np.where(np.abs(apart) == np.abs(apart).max(axis=1, keepdims=True), np.sign(apart), 0)
        if before is not None and (wanted == before).all():
            break
        before, pull = wanted, np.zeros_like(positions)
        np.add.at(pull, i, wanted)
        np.add.at(pull, j, -wanted)
        positions = np.stack([solve(pull[:, 0]), solve(pull[:, 1])], axis=1)
    return positions


def misfits(positions: np.ndarray, edges: np.ndarray) -> int:
    """How many edges are not, within a quarter of a pixel, one pixel long along a row or column."""
    i, j = np.nonzero(np.triu(edges))
    apart = np.sort(np.abs(positions[i] - positions[j]), axis=1)
    return int((np.abs(apart - [0, 1]).max(axis=1) > 0.25).sum())
