"""Fit the weights of `suffice.features.tokens` on recorded prompts and answers, and report the errors.

Usage: python benchmarks/fit_token_estimate.py [--tape FOLDER] [--tokenizer tokenizer.json]

With `--tokenizer` the estimate is also compared with that tokenizer on the same sentence in several languages.
"""

import argparse
import json
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suffice.features.tokens import (
    ANSWER_PREFIX_TOKENS,
    FEATURES,
    MESSAGE_TOKENS,
    N_FITTED,
    count,
    estimate_tokens,
)

TAPE = Path(__file__).parents[1] / "src/suffice/upstream/tapes/desk"
MODELS = ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")
SENTENCES = {
    "English": "The parcel arrived yesterday, but one of the two lamps is broken. Could you send me a new one?",
    "German": "Gestern kam die Lieferung an, aber eine der beiden Lampen war kaputt. Bekomme ich eine neue?",
    "French": "Le colis est arrivé hier, mais une des deux lampes est cassée. Pourriez-vous m'en envoyer une autre ?",
    "Russian": "Посылка пришла вчера, но одна из двух ламп разбита. Можете прислать мне новую?",
    "Arabic": "وصل الطرد أمس، لكن أحد المصباحين مكسور. هل يمكنكم إرسال مصباح جديد؟",
    "Hindi": "पार्सल कल आ गया, लेकिन दो में से एक लैंप टूटा हुआ है। क्या आप मुझे नया भेज सकते हैं?",
    "Chinese": "包裹昨天到了,但两盏灯中有一盏坏了。能给我寄一盏新的吗?",
    "Japanese": "荷物は昨日届きましたが、ランプが一つ壊れていました。新しいものを送っていただけますか。",
    "Korean": "소포가 어제 도착했지만 램프 두 개 중 하나가 깨졌습니다. 새 것을 보내 주실 수 있나요?",
    "Code": "def total(prices: list[float], *, rate: float = 0.19) -> float:\n    return sum(prices) * (1 + rate)\n",
}


@dataclass(frozen=True)
class Samples:
    """Texts with known token counts."""

    counted: NDArray[np.float64]
    """Shape (n, number of features)."""
    n_tokens: NDArray[np.float64]
    """Without the chat template, shape (n,)."""
    is_train: NDArray[np.bool_]
    is_prompt: NDArray[np.bool_]


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_samples(tape: Path) -> Samples:
    prompts = {prompt["id"]: prompt for prompt in read_lines(tape / "prompts.jsonl")}
    answers = [answer for model in MODELS for answer in read_lines(tape / f"{model}.jsonl")]
    rows: list[tuple[NDArray[np.float64], float, bool, bool]] = []
    for answer in answers:
        prompt = prompts[answer["id"]]
        is_train = prompt["split"] == "train"
        if answer["model"].startswith(MODELS[0]):
            messages = [message["content"] for message in prompt["messages"]]
            template = MESSAGE_TOKENS * len(messages) + ANSWER_PREFIX_TOKENS
            counted = np.asarray([count(text) for text in messages], dtype=np.float64).sum(axis=0)
            rows.append((np.asarray(counted), answer["prompt_tokens"] - template, is_train, True))
        if answer["tokens"]:
            text = "".join(token[0] for token in answer["tokens"])
            rows.append((np.array(count(text), dtype=np.float64), len(answer["tokens"]), is_train, False))
    features, n_tokens, is_train, is_prompt = zip(*rows, strict=True)
    return Samples(np.array(features), np.array(n_tokens, dtype=np.float64), np.array(is_train), np.array(is_prompt))


def fit(samples: Samples) -> NDArray[np.float64]:
    """Weights that make the squared relative error least; a feature whose weight falls below 0 is left out."""
    scale = 1 / np.maximum(samples.n_tokens[samples.is_train], 5)
    counted = samples.counted[samples.is_train][:, :N_FITTED] * scale[:, None]
    n_tokens = samples.n_tokens[samples.is_train] * scale
    active = list(range(N_FITTED))
    while True:
        weights = np.linalg.lstsq(counted[:, active], n_tokens, rcond=None)[0]
        if (weights >= 0).all():
            break
        active.pop(int(weights.argmin()))
    fitted = np.zeros(N_FITTED)
    fitted[active] = weights
    return fitted


def report(samples: Samples, weights: NDArray[np.float64]) -> None:
    estimates = samples.counted[:, :N_FITTED] @ weights
    template = samples.is_prompt * (2 * MESSAGE_TOKENS + ANSWER_PREFIX_TOKENS)
    for is_train in (True, False):
        for is_prompt in (True, False):
            chosen = (samples.is_train == is_train) & (samples.is_prompt == is_prompt)
            true, estimate = ((x + template)[chosen] for x in (samples.n_tokens, estimates))
            error = np.abs(estimate / true - 1)
            print(
                f"{'train' if is_train else 'test':5} {'prompts' if is_prompt else 'answers':7} n={chosen.sum():3}  "
                f"mean error {error.mean():.1%}  95 % within {np.quantile(error, 0.95):.1%}  "
                f"sum {estimate.sum() / true.sum() - 1:+.1%}"
            )


def compare(tokenizer: Path) -> None:
    reference: Any = import_module("tokenizers").Tokenizer.from_file(str(tokenizer))
    reference.no_padding()
    reference.no_truncation()
    print(f"\n{'':9} characters  estimate  tokenizer")
    for language, text in SENTENCES.items():
        n_reference = len(reference.encode(text, add_special_tokens=False).ids)
        print(f"{language:9} {len(text):10}  {estimate_tokens(text):8}  {n_reference:9}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tape", type=Path, default=TAPE)
    parser.add_argument("--tokenizer", type=Path)
    arguments = parser.parse_args()
    samples = read_samples(arguments.tape)
    weights = fit(samples)
    print(dict(zip(FEATURES, (round(float(weight), 3) for weight in weights), strict=False)))
    report(samples, weights)
    if arguments.tokenizer:
        compare(arguments.tokenizer)


if __name__ == "__main__":
    main()
