import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suffice.cli.drafting import draft_found, draft_named, guess_parameters
from suffice.cli.probing import ListedModel, Probe
from suffice.cli.skeleton import Skeleton, render
from suffice.config import Loaded, parse
from suffice.errors import ConfigError
from suffice.scoring.config import ScorerKind
from suffice.vocabulary import Mode

VLLM = "http://127.0.0.1:8000/v1"
OLLAMA = "http://127.0.0.1:11434/v1"


def serving(base_url: str, *models: str | ListedModel) -> Probe:
    listed = [ListedModel(name=model) if isinstance(model, str) else model for model in models]
    return Probe(base_url=base_url, latency_s=0.01, models=listed)


def silent(base_url: str) -> Probe:
    return Probe(base_url=base_url, latency_s=0.01, problem="cannot be reached", is_connected=False)


def load_rendered(skeleton: Skeleton) -> Loaded:
    return parse(render(skeleton), {}, folder=Path())


@pytest.mark.parametrize(
    ("model", "billions"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", 8.0),
        ("Qwen/Qwen2.5-Coder-0.5B", 0.5),
        ("llama3.1:70b", 70.0),
        ("smollm2-135m", 0.135),
        ("mixtral-8x7b-instruct", 56.0),
        ("Qwen2.5-7B-Instruct-1M", 7.0),
        ("Qwen3-30B-A3B", 30.0),
        ("gemma_2_9b_it.gguf", 9.0),
        ("phi-3-mini-128k-instruct", None),
        ("llama-8bit", None),
        ("mistral:latest", None),
        ("gpt-4.1", None),
    ],
)
def test_parameters_are_guessed_from_names(model: str, billions: float | None) -> None:
    assert guess_parameters(model) == billions


def test_the_smallest_and_the_largest_model_become_the_tiers() -> None:
    skeleton = draft_found([serving(VLLM, "llama-70b"), serving(OLLAMA, "llama3:8b", "qwen:0.5b")], 8080)

    tiers = load_rendered(skeleton).config.tiers
    assert [(tier.name, tier.model, tuple(tier.base_urls)) for tier in tiers] == [
        ("small", "qwen:0.5b", (OLLAMA,)),
        ("large", "llama-70b", (VLLM,)),
    ]
    assert skeleton.others == ["llama3:8b"]


def test_one_model_on_two_servers_is_one_tier_with_two_replicas() -> None:
    one = serving(VLLM, ListedModel(name="m-8b", context_tokens=8192))
    other = serving(OLLAMA, ListedModel(name="m-8b", context_tokens=4096))

    tiers = load_rendered(draft_found([one, other], 8080)).config.tiers

    assert [(tier.model, tuple(tier.base_urls), tier.context_tokens) for tier in tiers] == [
        ("m-8b", (VLLM, OLLAMA), 4096)
    ]


@pytest.mark.parametrize("model", ["nomic-embed-text", "bge-large", "whisper-1", "ms-rerank"])
def test_models_that_do_not_chat_are_no_tiers(model: str) -> None:
    skeleton = draft_found([serving(VLLM, model, "llama-8b")], 8080)

    assert [tier.model for tier in skeleton.tiers] == ["llama-8b"]


def test_another_gateway_is_no_server() -> None:
    skeleton = draft_found([serving(VLLM, "auto", "auto:cheap", "llama-8b")], 8080)

    assert all(tier.model.startswith("REPLACE") for tier in skeleton.tiers)


def test_unknown_sizes_are_said_to_be_unknown() -> None:
    skeleton = draft_found([serving(VLLM, "alpha", "beta")], 8080)

    assert [tier.model for tier in skeleton.tiers] == ["alpha", "beta"]
    assert "do not tell" in skeleton.order


@pytest.mark.parametrize(
    "models", [["small", "large"], ["large", "small-tier"], ["large"], ["small", "small-tier", "x"]]
)
def test_models_called_like_tiers_do_not_clash_with_them(models: list[str]) -> None:
    skeleton = draft_found([serving(VLLM, *models)], 8080)

    tiers = load_rendered(skeleton).config.tiers
    assert not {tier.name for tier in tiers} & {tier.model for tier in tiers}


def test_nothing_found_leaves_placeholders_that_load() -> None:
    skeleton = draft_found([silent(VLLM), silent(OLLAMA)], 8080)

    loaded = load_rendered(skeleton)
    assert [tier.model for tier in loaded.config.tiers] == [
        "REPLACE-WITH-YOUR-SMALL-MODEL",
        "REPLACE-WITH-YOUR-LARGE-MODEL",
    ]


def test_named_servers_keep_their_places() -> None:
    skeleton = draft_named(serving(VLLM, "big-70b", "big-8b"), serving(OLLAMA, "tiny-1b", "tiny-3b"), 8080)

    assert [tier.model for tier in skeleton.tiers] == ["big-8b", "tiny-3b"]


def test_a_named_server_that_is_silent_gets_a_placeholder_model() -> None:
    skeleton = draft_named(silent("http://10.0.0.1:8000/v1"), serving(VLLM, "m-70b"), 8080)

    tiers = load_rendered(skeleton).config.tiers
    assert (tiers[0].model, tuple(tiers[0].base_urls)) == (
        "REPLACE-WITH-YOUR-SMALL-MODEL",
        ("http://10.0.0.1:8000/v1",),
    )


def test_two_named_servers_with_one_model_are_refused() -> None:
    with pytest.raises(ConfigError, match="the same model as --small"):
        draft_named(serving(VLLM, "default"), serving(OLLAMA, "default"), 8080)


def test_the_file_observes_and_listens_on_loopback() -> None:
    config = load_rendered(draft_found([serving(VLLM, "a-1b", "b-2b")], 8088)).config

    assert config.routing.mode is Mode.OBSERVE
    assert (config.server.host, config.server.port) == ("127.0.0.1", 8088)
    assert config.recording.content is False


@pytest.mark.parametrize(("kind", "threshold"), [("learned", None), ("exemplars", 4.0)])
def test_a_threshold_is_written_where_no_bundle_brings_one(kind: ScorerKind, threshold: float | None) -> None:
    config = parse(render(draft_found([], 8080), kind=kind), {}, folder=Path()).config

    assert config.routing.max_complexity.get("small") == threshold


@pytest.mark.parametrize("kind", ["learned", "exemplars"])
@pytest.mark.parametrize("models", [["a-1b", "b-2b"], []])
def test_every_line_that_is_commented_out_would_load(models: list[str], kind: ScorerKind) -> None:
    text = render(draft_found([serving(VLLM, *models)], 8080), kind=kind)

    uncommented = re.sub(r"^(\s*)# ?(\s*[\"A-Za-z0-9_-]+:(?: .*)?)$", r"\1\2", text, flags=re.MULTILINE)

    keys = {"SMALL_API_KEY": "k", "LARGE_API_KEY": "k"}
    config = parse(uncommented, keys, folder=Path()).config
    assert set(config.aliases) == {"gpt-4o", "my-adapter"}
    assert set(config.passthrough) == {"/v1/embeddings"}
    assert [tier.api_key_env for tier in config.tiers] == ["SMALL_API_KEY", "LARGE_API_KEY"]
    assert uncommented.count("context_tokens: 8192") == 2
    assert (config.scorer.kind, config.routing.max_complexity) == (kind, {"small": 4.0})


names = st.text(min_size=1, max_size=40) | st.sampled_from(
    [
        "small",
        "large",
        "tier-1",
        "yes",
        "null",
        "1e3",
        "a: b",
        "- x",
        "#8b",
        "{8b}",
        "\x00\x1b",
        "𝔪-8b",
        '"',
        "'",
        "\\",
        "%8b",
    ]
)


@given(st.lists(names, max_size=6))
def test_whatever_models_are_called_the_file_loads(models: list[str]) -> None:
    skeleton = draft_found([serving(VLLM, *models)], 8080)

    loaded = load_rendered(skeleton)

    assert [tier.model for tier in loaded.config.tiers] == [tier.model for tier in skeleton.tiers]
