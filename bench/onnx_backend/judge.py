"""Whether outputs are the ones expected."""

import numpy as np


def _numbers(array: np.ndarray) -> np.ndarray:
    """Types that NumPy does not know by itself (bfloat16, float8, int4) as float32."""
    foreign = array.dtype.kind == "V" or array.dtype.name.startswith(("bfloat", "float8", "float4"))
    return array.astype(np.float32) if foreign else array


def difference(expected, found, rtol: float, atol: float) -> str:
    """"" where `found` is `expected` within the tolerance, else what differs first."""
    if expected is None or found is None:
        return "" if expected is None and found is None else "one of them is an empty optional"
    if isinstance(expected, (list, tuple)):
        if not isinstance(found, (list, tuple)) or len(found) != len(expected):
            return "it is not a sequence of the same length"
        texts = (difference(one, other, rtol, atol) for one, other in zip(expected, found))
        return next((text for text in texts if text), "")
    expected, found = np.asarray(expected), np.asarray(found)
    if expected.shape != found.shape:
        return f"its shape is {list(found.shape)}, expected {list(expected.shape)}"
    if expected.dtype.kind in "OUST":
        same = [str(x) for x in expected.ravel()] == [str(x) for x in found.ravel()]
        return "" if same else "its strings differ"
    if expected.dtype != found.dtype:
        return f"its type is {found.dtype}, expected {expected.dtype}"
    rtol = max(rtol, 2**-6) if expected.dtype.name == "bfloat16" else rtol  # two of its steps, as the package has it
    expected, found = _numbers(expected), _numbers(found)
    near = np.isclose(found, expected, rtol=rtol, atol=atol, equal_nan=True)
    if near.all():
        return ""
    at = tuple(int(i) for i in np.argwhere(~near)[0])
    count = f"{int((~near).sum())} of {near.size} values differ"
    return f"{count}, first at {list(at)}: {found[at]}, expected {expected[at]}"


def first_difference(expected: list, found: list, rtol: float, atol: float) -> str:
    if len(expected) > len(found):
        return f"there are {len(found)} outputs, expected {len(expected)}"
    for index, (one, other) in enumerate(zip(expected, found)):
        text = difference(one, other, rtol, atol)
        if text:
            return f"output {index}: {text}"
    return ""


def too_far(expected: list, found: list, tolerances: list) -> str:
    """As first_difference, with a tolerance an element; the worst element is given in times of its tolerance."""
    for index, (one, other, tolerance) in enumerate(zip(expected, found, tolerances)):
        one, other = np.asarray(one), np.asarray(other)
        if one.shape != other.shape or one.dtype != other.dtype:
            return f"output {index}: {difference(one, other, 0, 0)}"
        with np.errstate(invalid="ignore"):
            apart = np.abs(one.astype(np.float64) - other.astype(np.float64))
        same = (one == other) | (np.isnan(one) & np.isnan(other)) if one.dtype.kind == "f" else one == other
        excess = np.where(same, 0, apart / np.maximum(tolerance, 1e-7))
        if not (excess <= 1).all():
            at = np.unravel_index(int(np.argmax(np.nan_to_num(excess, nan=np.inf))), excess.shape)
            count = f"{int((~(excess <= 1)).sum())} of {excess.size} values"
            place = [int(i) for i in at]
            return (f"output {index}: {count} lie beyond what the scales imply, the worst {excess[at]:.3g} times "
                    f"at {place}: {other[at]}, expected {one[at]}")
    return ""
