"""Complexity as a model trained on outcomes expects it."""

from collections.abc import Mapping
from pathlib import Path

from suffice.errors import BundleError
from suffice.estimators.bundle import Bundle, load
from suffice.estimators.lexical import build
from suffice.scoring.config import ScorerConfig
from suffice.vocabulary import FEATURES_VERSION, Score, TierName, Turn

GENERIC_BUNDLE = Path(__file__).with_name("bundles") / "generic.bundle"
"""The shipped one, trained on public outcomes."""


class Learned:
    """Scores a turn by its text with the model of a bundle.

    Not thread-safe: the model keeps what it knows of words. It belongs to one event loop, where it takes microseconds.
    """

    def __init__(self, bundle: Bundle, tiers: Mapping[str, TierName]) -> None:
        """Take a loaded bundle.

        Args:
            bundle: Of a kind that is known here.
            tiers: Names of tiers by the models that the bundle was trained for. `p_ok` has these tiers alone; the
                complexity needs none of them.

        Raises:
            BundleError: The bundle's model is of another kind or does not fit together, or a model named in `tiers` is
                none of the bundle's.
        """
        self._router = build(bundle)
        unknown = sorted(set(tiers) - set(self._router.models))
        if unknown:
            raise BundleError(
                f"bundle {bundle.id} knows nothing of {', '.join(unknown)}; it was trained for "
                f"{', '.join(self._router.models)}"
            )
        self._tiers = [(place, tiers[model]) for place, model in enumerate(self._router.models) if model in tiers]
        self.bundle_id = bundle.id
        self.manifest = bundle.manifest
        self.tiers = tiers
        self.version = f"learned-{bundle.id}-f{FEATURES_VERSION}"

    def score(self, turn: Turn) -> Score:
        """Score one turn; constant parts around it do not count. The explanation is `explain`'s business."""
        rating = self._router.rate(turn.text)
        p_ok = {tier: rating.p_ok[place] for place, tier in self._tiers}
        # The default of an explanation would take longer to make than all of the rest here.
        return Score(complexity=rating.complexity, p_ok=p_ok, explanation={})

    def explain(self, turn: Turn, *, n_features: int = 8) -> Mapping[str, float]:
        """What moved a turn's complexity most, the strongest first.

        Returns:
            By word, pair of words or measure: what it adds to the expected gain of the dearest model over the
            cheapest, as a share of answers (0.02: two more of a hundred are acceptable).
        """
        return {each.feature: each.value for each in self._router.explain(turn.text, n_features=n_features)}


def bundle_path(config: ScorerConfig, folder: Path) -> Path:
    """Where the bundle of a `scorer` section lies.

    Args:
        config: The section.
        folder: What a relative path is relative to.
    """
    return GENERIC_BUNDLE if config.bundle is None else folder / Path(config.bundle).expanduser()


def load_learned(path: Path, models: Mapping[TierName, str]) -> Learned:
    """Read a bundle and make its scorer.

    Args:
        path: The bundle's file.
        models: What each tier's model is called; those that the bundle does not know get no `p_ok`.

    Raises:
        BundleError: The bundle is missing, corrupt, too new, or another program's.
    """
    bundle = load(path)
    known = set(bundle.manifest.models)
    return Learned(bundle, {model: tier for tier, model in models.items() if model in known})
