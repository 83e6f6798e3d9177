"""Which column of the weights belongs to which feature."""

from dataclasses import dataclass

from suffice.estimators.lexical.surface import SURFACE
from suffice.estimators.lexical.wordkinds import KINDS, OPENINGS

MAX_BITS = 22


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns of the features: words, runs of bytes, pairs of words (all hashed), kinds, openings, surface.

    Raises:
        ValueError: A number of bits outside [1, 22]; of runs and pairs, outside [0, 22].
    """

    word_bits: int = 17
    """There are 2 ** word_bits columns for words; so with the others."""
    run_bits: int = 18
    """0: runs are left out. A score then takes three quarters of the time, where many words are new a quarter; on six
    outcome sets APGR moved by -.011 to +.008. Languages that are written without spaces need them."""
    pair_bits: int = 0
    """0: pairs of words are left out. They take a quarter of the time; on three public sets they moved APGR by .002."""

    def __post_init__(self) -> None:
        """Check the bits."""
        bits = (self.word_bits, self.run_bits, self.pair_bits)
        if not all(1 <= each <= MAX_BITS for each in (self.word_bits, self.run_bits or 1, self.pair_bits or 1)):
            raise ValueError(
                f"bits of words, runs and pairs are {bits}, and must be within [1, {MAX_BITS}], or 0 for none"
            )

    @property
    def word_mask(self) -> int:
        """What makes the column of a word of its checksum."""
        return (1 << self.word_bits) - 1

    @property
    def run_mask(self) -> int:
        """What makes the bucket of a run of its checksum."""
        return (1 << self.run_bits) - 1

    @property
    def first_run(self) -> int:
        """First column of the runs of bytes; those of the words begin at 0."""
        return 1 << self.word_bits

    @property
    def first_pair(self) -> int:
        """First column of the pairs of words."""
        return self.first_run + (1 << self.run_bits if self.run_bits else 0)

    @property
    def first_kind(self) -> int:
        """First column of the kinds of words."""
        return self.first_pair + (1 << self.pair_bits if self.pair_bits else 0)

    @property
    def first_opening(self) -> int:
        """First column of the openings: the kind of the first word."""
        return self.first_kind + len(KINDS)

    @property
    def first_surface(self) -> int:
        """First column of the surface measures."""
        return self.first_opening + len(OPENINGS)

    @property
    def n_columns(self) -> int:
        """Columns in all."""
        return self.first_surface + len(SURFACE)
