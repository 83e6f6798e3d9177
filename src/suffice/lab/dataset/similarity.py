"""Which sets are near-duplicates of each other, by Jaccard similarity and transitively.

MinHash signatures find candidates (Broder 1997, "On the resemblance and containment of documents"); the sets
themselves decide. Candidates are joined first and then compared all with all, as a matrix product: prompts made from
one template are all candidates of each other, and looking at them pair by pair would take minutes.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suffice.lab.dataset import extras

# 32 bands of 4 rows: a pair of similarity .7 is missed with probability (1 - .7^4)^32 = .00015.
_N_BANDS = 32
_BAND_ROWS = 4
_SEED = 1

_BLOCK_ROWS = 512
_FREQUENT = 0.05
"""Share of the sets above which an element counts as frequent: a dense product is faster for these."""
_MAX_FREQUENT = 4096

_PURPOSE = "prompt groups"


def join_similar(sets: Sequence[AbstractSet[str]], tenths: int) -> NDArray[np.intp]:
    """The lowest index in each set's group; deterministic, and the same groups whatever the order.

    Args:
        sets: Of texts; an empty one is in a group of its own.
        tenths: Least similarity, in tenths.

    Returns:
        Shape (n,).

    Raises:
        DatasetError: The extra `lab` is not installed.
    """
    roots = np.arange(len(sets), dtype=np.intp)
    filled = np.array([index for index, members in enumerate(sets) if members], dtype=np.intp)
    if not filled.size:
        return roots
    members = [members for members in sets if members]
    matrix = _to_matrix(members)
    for rows in _split_equal(_join_candidates(_sign(members))):
        roots[filled[rows]] = filled[rows[_join_rows(matrix[rows], tenths)]]
    return roots


def _sign(sets: Sequence[AbstractSet[str]]) -> NDArray[np.uint32]:
    """MinHash signatures, shape (n, bands * rows)."""
    minhash = extras.load("datasketch", purpose=_PURPOSE).MinHash
    encoded = ([element.encode("utf-8", "surrogatepass") for element in members] for members in sets)
    signatures = minhash.generator(encoded, num_perm=_N_BANDS * _BAND_ROWS, seed=_SEED)
    return np.array([signature.hashvalues for signature in signatures], dtype=np.uint32)


def _join_candidates(signatures: NDArray[np.uint32]) -> NDArray[np.intp]:
    """The lowest row among those that are linked by equal bands, shape (n,)."""
    n = signatures.shape[0]
    everyone = np.arange(n, dtype=np.intp)
    firsts: list[NDArray[np.intp]] = []
    for band in range(_N_BANDS):
        rows = np.ascontiguousarray(signatures[:, band * _BAND_ROWS : (band + 1) * _BAND_ROWS])
        keys = rows.view(np.dtype((np.void, rows.itemsize * _BAND_ROWS))).ravel()
        _, first, bucket = np.unique(keys, return_index=True, return_inverse=True)
        firsts.append(first[bucket])
    return _connect(np.concatenate([everyone] * _N_BANDS), np.concatenate(firsts), n)


def _split_equal(labels: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """The indices that share a label, rising; labels that stand alone are passed over."""
    _, sizes = np.unique(labels, return_counts=True)
    for rows in np.split(np.argsort(labels, kind="stable"), np.cumsum(sizes)[:-1]):
        if rows.size > 1:
            yield rows


def _join_rows(matrix: Any, tenths: int) -> NDArray[np.intp]:
    """The lowest row of each row's group, every pair of rows compared."""
    n: int = matrix.shape[0]
    sizes = np.diff(matrix.indptr)
    counts = np.bincount(matrix.indices, minlength=matrix.shape[1])
    frequent = np.argsort(-counts, kind="stable")[:_MAX_FREQUENT]
    frequent = frequent[counts[frequent] > max(_FREQUENT * n, 1)]
    dense = matrix[:, frequent].toarray()
    matrix = matrix[:, np.setdiff1d(np.flatnonzero(counts), frequent)]
    everyone = roots = np.arange(n, dtype=np.intp)
    for start in range(0, n, _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        n_shared = dense[rows] @ dense[start:].T + (matrix[rows] @ matrix[start:].T).toarray()
        n_either = sizes[rows, None] + sizes[None, start:] - n_shared
        first, other = np.nonzero(10 * n_shared >= tenths * n_either)
        roots = _connect(np.concatenate([everyone, first + start]), np.concatenate([roots, other + start]), n)
        if not roots.any():
            break
    return roots


def _connect(left: NDArray[np.intp], right: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """The lowest of the nodes that each node is linked to, shape (n,)."""
    sparse = extras.load("scipy.sparse", purpose=_PURPOSE)
    graph = sparse.coo_array((np.ones(left.size, dtype=np.bool_), (left, right)), shape=(n, n))
    _, labels = extras.load("scipy.sparse.csgraph", purpose=_PURPOSE).connected_components(graph, directed=False)
    _, first = np.unique(labels, return_index=True)
    return first[labels]


def _to_matrix(sets: Sequence[AbstractSet[str]]) -> Any:
    """Who has which element: rows of ones, shape (n, elements)."""
    numbers: dict[str, int] = {}
    columns = np.array([numbers.setdefault(element, len(numbers)) for members in sets for element in members])
    ends = np.cumsum([0, *map(len, sets)])
    shape = (len(sets), len(numbers))
    return extras.load("scipy.sparse", purpose=_PURPOSE).csr_array(
        (np.ones(columns.size, dtype=np.float32), columns, ends), shape=shape
    )
