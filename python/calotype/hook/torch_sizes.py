"""For which sizes an exported program holds: where it looked at a size, the other branch was left out.

Of `x if x.shape[-1] < 200 else -x` the file knows the branch of its example. PyTorch's exporter notes what it assumed, in
symbols for the free sizes; a file of ONNX does not.
"""

import ast
import math
import operator

import torch

# What the conditions are written with, on whole numbers.
WORDS = {
    "__builtins__": {},
    "Mod": operator.mod,
    "PythonMod": operator.mod,
    "FloorDiv": operator.floordiv,
    "CleanDiv": operator.floordiv,
    "IntTrueDiv": operator.truediv,
    "floor": math.floor,
    "ceiling": math.ceil,
    "Max": max,
    "Min": min,
    "Abs": abs,
    "Eq": operator.eq,
    "Ne": operator.ne,
    "Not": operator.not_,
    "True": True,
    "False": False,
}

# The texts lie in the cache, where anybody may have written: no attribute, subscript or text gets through, and no power
# that takes long.
GRAMMAR = (ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Call, ast.Compare, ast.cmpop, ast.BinOp, ast.Add, ast.Sub,
           ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.BitAnd, ast.BitOr, ast.BoolOp, ast.boolop, ast.UnaryOp,
           ast.USub, ast.Not)


def is_power(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)


def result(text: str, sizes: dict):
    """What a condition or size comes to. Raises an exception for what is none."""
    tree = ast.parse(text, mode="eval")
    for node in ast.walk(tree):
        is_number = not isinstance(node, ast.Constant) or isinstance(node.value, int)
        is_word = not isinstance(node, ast.Call) or isinstance(node.func, ast.Name)
        is_short = not is_power(node) or (isinstance(node.right, ast.Constant) and 0 <= node.right.value <= 4
                                          and not any(map(is_power, ast.walk(node.left))))
        if not (isinstance(node, GRAMMAR) and is_number and is_word and is_short):
            raise ValueError(text)
    return eval(compile(tree, "condition", "eval"), {**WORDS, **sizes})


class Sizes:
    """`dims` are [input, axis, text]: that size is what the text gives, most often a symbol alone. `conditions` are texts
    in those symbols."""

    def __init__(self, dims: list, conditions: list[str]):
        self.dims = dims
        self.conditions = conditions
        self.known: dict[tuple, bool] = {}

    def hold(self, shapes: tuple) -> bool:
        if shapes not in self.known:
            self.known[shapes] = self.evaluate(shapes)
        return self.known[shapes]

    def evaluate(self, shapes: tuple) -> bool:
        sizes = {text: shapes[index][axis] for index, axis, text in self.dims if text.isidentifier()}
        try:
            return all(result(text, sizes) == shapes[index][axis] for index, axis, text in self.dims) and all(
                result(text, sizes) for text in self.conditions
            )
        except Exception:  # another word, or something else: nothing is known of these sizes
            return False


def of_program(program: torch.export.ExportedProgram) -> Sizes:
    """Its inputs are one tuple of tensors."""
    inputs = set(program.graph_signature.user_inputs)
    values = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in inputs]
    dims = [[i, axis, str(size)] for i, value in enumerate(values) for axis, size in enumerate(value.shape)]
    environments = {getattr(value.fake_mode, "shape_env", None) for value in values} - {None}
    assumed = [each.expr for env in environments for group in env.deferred_runtime_asserts.values() for each in group]
    # Sizes that are equal have one symbol in the end; what was assumed before that is written with the other.
    former = dict(equal_symbols(assumed, {text for _, _, text in dims}))
    assumed = [str(each.xreplace(former)) for each in assumed]
    ranges = [f"{limits.lower} <= {symbol}" for symbol, limits in program.range_constraints.items() if finite(limits.lower)]
    ranges += [f"{symbol} <= {limits.upper}" for symbol, limits in program.range_constraints.items() if finite(limits.upper)]
    return Sizes(dims, ranges + assumed)


def equal_symbols(assumed: list, kept: set[str]):
    """(symbol, the one that stands for it) of each `Eq(a, b)`."""
    for each in assumed:
        if each.is_Equality and all(side.is_Symbol for side in each.args):
            a, b = each.args
            if str(a) not in kept:
                yield a, b
            elif str(b) not in kept:
                yield b, a


def of_batch(tensors: list[torch.Tensor]) -> Sizes:
    """What was exported for one batch alone."""
    return Sizes([[i, 0, str(tensor.shape[0])] for i, tensor in enumerate(tensors) if tensor.ndim], [])


def finite(bound) -> bool:
    return str(bound).lstrip("-").isdigit()
