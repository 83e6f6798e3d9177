"""What the demo's numbers are, and what they are not: the first thing it says."""

from collections.abc import Sequence

from suffice.lab.demo.plan import LARGE, PRICES_USD_PER_MILLION, SMALL, TAPES, DemoPlan
from suffice.lab.workload import Prompt


def write_notes(plan: DemoPlan, prompts: Sequence[Prompt]) -> dict[str, str]:
    """A few words for each thing that a reader must know, by subject."""
    n_hard = sum(prompt.difficulty == "hard" for prompt in prompts)
    small, large = (PRICES_USD_PER_MILLION[name] for name in (SMALL, LARGE))
    return {
        **(_describe_live(plan) if plan.live else _describe_tape(plan)),
        "Traffic": f"{len(prompts)} prompts ({plan.split} split) of a support desk and a coding assistant, {n_hard} "
        "of them hard, some of which no model here gets right. Not your traffic: your split and savings will differ.",
        "Routing": "by the shipped scorer, trained on public outcomes and on the other split of this workload (its "
        "prompts are near-duplicates of none of these): at home here, as one trained on your own outcomes is with "
        "you. `shuffled` sends the same share to large at random.",
        "Cost": f"{small:.3f} and {large:.3f} USD per million tokens, 1:8.75 as 8B to 70B parameters: an assumption, "
        "no invoice.",
        "Load": f"Poisson arrivals at {plan.rate:g}/s for latency (a P99 of {len(prompts)} requests is a rough "
        f"figure); {plan.concurrency} clients that wait for their answers for throughput. Rows that use both tiers "
        "have both tiers' capacity. The decision cache is off and each row has an order of prompts of its own, so no "
        "row profits from another.",
    }


def _describe_tape(plan: DemoPlan) -> dict[str, str]:
    return {
        "Answers": f"real ones of {TAPES[SMALL]} (small) and {TAPES[LARGE]} (large), recorded once and played from a "
        "tape. No model runs now. These models are far smaller than the 8B and 70B that the prices stand for.",
        "Times": f"recorded on one shared CPU core per model, played {plan.speedup:g} times faster on {plan.slots} "
        "slots a tier, and reported at the recorded speed. The gateway's own time is real, so it shows "
        f"{plan.speedup:g} times too large (it is measured and given below the table), and on a busy machine the "
        "throughput is too low.",
    }


def _describe_live(plan: DemoPlan) -> dict[str, str]:
    urls = " and ".join(server.base_url for server in plan.live or ())
    return {"Answers": f"live, from {urls}; times are real. Other traffic on these servers is in the numbers."}
