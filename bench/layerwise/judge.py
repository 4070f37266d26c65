"""Whether the view computes what the emulator computes."""

from collections import defaultdict

# The view rounds as the NPU does. Only where float32 does not hold a sum of many large products to half a unit may a code be
# the next one: of the networks here none is.
MOST_APART, LEAST_EQUAL = 1, 0.9999
MOST_METRIC_POINTS = 0.3


def by_kind(rows: list[dict]) -> dict[str, dict]:
    sums = defaultdict(lambda: {"layers": 0, "codes": 0, "equal": 0, "apart": 0})
    for row in rows:
        kind = sums[row["kind"]]
        kind["layers"] += 1
        kind["codes"] += row["codes"]
        kind["equal"] += row["equal"]
        kind["apart"] = max(kind["apart"], row["apart"])
    return dict(sums)


def judge(rows: list[dict], kinds: dict, whole: dict | None) -> list[str]:
    """What is not as it must be."""
    wrong = [f"{row['layer']} ({row['kind']}): {row['apart']} codes apart" for row in rows if row["apart"] > MOST_APART]
    wrong += [f"{kind}: {100 * sums['equal'] / sums['codes']:.3f} % equal" for kind, sums in kinds.items()
              if sums["equal"] < LEAST_EQUAL * sums["codes"]]
    if whole and abs(whole["view"] - whole["npu"]) > MOST_METRIC_POINTS:
        wrong.append(f"end to end: {whole['view']:.2f} by the view, {whole['npu']:.2f} by the emulator")
    return wrong
