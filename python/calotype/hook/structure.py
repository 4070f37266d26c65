"""Nested arguments and results: taken apart into a flat list of arrays and a skeleton, and put together again.

A skeleton is plain JSON, so that a later run rebuilds results which it has not seen yet:
    {"array": 0}                            the first of the list
    {"constant": 3}                         None, a bool, a number, a string
    {"list": [...]}, {"tuple": [...]}
    {"named tuple": "module:Class", "items": [...]}
    {"dict": [[key, skeleton], ...], "class": "module:Class"}
    {"dataclass": "module:Class", "fields": [[name, skeleton], ...]}
"""

import dataclasses
import importlib
from collections.abc import Callable, Iterator

Skeleton = dict
CONSTANTS = (type(None), bool, int, float, str)


class Unknown(Exception):
    """A value that cannot be taken apart and rebuilt; the text says where it stands and what it is."""


class Flattener:
    """Collects what `is_array` accepts; `names` tells each by its place: `boxes`, `1.scores`."""

    def __init__(self, is_array: Callable[[object], bool]):
        self.is_array = is_array
        self.arrays: list = []
        self.names: list[str] = []

    def take(self, value, place: tuple[str, ...] = ()) -> Skeleton:
        if self.is_array(value):
            self.arrays.append(value)
            self.names.append(".".join(place))
            return {"array": len(self.arrays) - 1}
        if type(value) in CONSTANTS:
            return {"constant": value}
        if type(value) is list or type(value) is tuple:
            return {type(value).__name__: self.take_all(value, place)}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return {"named tuple": name_of_class(value), "items": self.take_all(value, place)}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            # Also the outputs of transformers, which are dictionaries besides.
            fields = [[field.name, getattr(value, field.name)] for field in dataclasses.fields(value)]
            return {"dataclass": name_of_class(value), "fields": self.take_pairs(fields, place)}
        if isinstance(value, dict) and all(type(key) in CONSTANTS for key in value):
            return {"dict": self.take_pairs(value.items(), place), "class": name_of_class(value)}
        raise Unknown(f"{'.'.join(place) or 'it'} is a {type(value).__module__}.{type(value).__qualname__}")

    def take_all(self, values, place) -> list[Skeleton]:
        return [self.take(value, (*place, str(i))) for i, value in enumerate(values)]

    def take_pairs(self, pairs, place) -> list:
        return [[key, self.take(value, (*place, str(key)))] for key, value in pairs]


def flatten(value, is_array: Callable[[object], bool]) -> tuple[list, Skeleton, list[str]]:
    flattener = Flattener(is_array)
    skeleton = flattener.take(value)
    return flattener.arrays, skeleton, flattener.names


def rebuild(skeleton: Skeleton, arrays: list):
    match skeleton:
        case {"array": index}:
            return arrays[index]
        case {"constant": value}:
            return value
        case {"list": items}:
            return [rebuild(item, arrays) for item in items]
        case {"tuple": items}:
            return tuple(rebuild(item, arrays) for item in items)
        case {"named tuple": name, "items": items}:
            return class_of(name)(*(rebuild(item, arrays) for item in items))
        case {"dict": pairs, "class": name}:
            return class_of(name)((key, rebuild(item, arrays)) for key, item in pairs)
        case {"dataclass": name, "fields": pairs}:
            return class_of(name)(**{key: rebuild(item, arrays) for key, item in pairs})
    raise Unknown(f"no skeleton: {skeleton}")


def name_of_class(value) -> str:
    name = f"{type(value).__module__}:{type(value).__qualname__}"
    if class_of(name) is not type(value):
        raise Unknown(f"{name} is not found by its name")
    return name


def class_of(name: str) -> type:
    module, _, path = name.partition(":")
    try:
        found = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        raise Unknown(f"{name} is not found by its name")
    if not isinstance(found, type):
        raise Unknown(f"{name} is no class")
    return found


def parts_of(skeleton: Skeleton) -> list[Skeleton]:
    match skeleton:
        case {"list": parts} | {"tuple": parts} | {"named tuple": _, "items": parts}:
            return parts
        case {"dict": pairs} | {"dataclass": _, "fields": pairs}:
            return [item for _, item in pairs]
    return []


def check(skeleton: Skeleton) -> None:
    """Raises Unknown where a class is not there to rebuild it."""
    match skeleton:
        case {"named tuple": name} | {"dict": _, "class": name} | {"dataclass": name}:
            class_of(name)
    for part in parts_of(skeleton):
        check(part)


def constants(skeleton: Skeleton) -> Iterator[bool | int | float | str]:
    """Numbers and text."""
    match skeleton:
        case {"constant": bool() | int() | float() | str() as value}:
            yield value
    for part in parts_of(skeleton):
        yield from constants(part)
