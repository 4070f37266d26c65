"""Contents, which tells before every call of a hooked script whether something else stands in Python's containers."""

from collections import OrderedDict

import pytest
from calotype._core import Contents


class Plain:
    """Python keeps the attributes of such objects where it can before it makes a dict of them."""

    def __init__(self):
        self.scale, self.name = 1, "plain"


def set_often(owner, values):
    """Often enough that Python rewrites its instruction to one that knows where the attribute is."""
    for value in values:
        owner.scale = value


def delete(owner):
    del owner.scale


@pytest.mark.parametrize("write", [
    lambda owner: set_often(owner, [2]),
    lambda owner: set_often(owner, [1] * 100 + [2]),
    lambda owner: setattr(owner, "scale", 2.5),
    lambda owner: setattr(owner, "other", 1),
    lambda owner: vars(owner).update(scale=3),
    lambda owner: vars(owner).clear(),
    lambda owner: vars(owner).popitem(),
    delete,
])  # fmt: skip
def test_each_way_to_write_an_attribute_is_seen(write):
    for owner in (Plain(), type("Class", (), {"scale": 1, "name": "class"})):
        if isinstance(owner, type) and write.__code__.co_names[:1] == ("vars",):
            continue  # Python shows the dict of a class to be read
        contents = Contents([owner if isinstance(owner, type) else vars(owner)], [])
        assert not contents.changed()
        write(owner)
        assert contents.changed()
        assert contents.changed()  # and seen for good


@pytest.mark.parametrize("make", [lambda: {"a": 1, "b": 2}, lambda: OrderedDict(a=1, b=2), lambda: [1, 2], lambda: {1, 2}])
@pytest.mark.parametrize("write", [
    lambda each: each.clear(),
    lambda each: each.pop(*["a"] * isinstance(each, dict)),
    lambda each: each.update({"a": 7}) if hasattr(each, "update") else each.append(1),
    lambda each: each.update({"c": 7}) if hasattr(each, "update") else each.__setitem__(0, 5),
])  # fmt: skip
def test_each_way_to_write_a_container_is_seen(make, write):
    container = make()
    contents = Contents([container], [])
    assert not contents.changed()
    write(container)
    assert contents.changed()


def test_what_is_set_back_is_no_change():
    owner, items = Plain(), {"a": 1.5}
    contents = Contents([vars(owner), items], [])
    for _ in range(3):
        set_often(owner, [2] * 20 + [1])
        items["a"] = 1.5 * len(vars(owner)) / 2  # another object, and equal
        assert not contents.changed()
    set_often(owner, [2])
    assert contents.changed()
    set_often(owner, [1])
    assert not contents.changed()


def test_variables_and_captured_ones():
    scale, namespace = 1, {"a": 1}

    def write(value):
        nonlocal scale
        scale = value

    contents = Contents([write.__closure__[0]], [(namespace, "a")])
    assert not contents.changed()
    namespace["b"] = 2
    assert not contents.changed()
    write(2)
    assert contents.changed()
    write(1)
    assert not contents.changed()
    del namespace["a"]
    assert contents.changed()


def test_of_some_dicts_named_keys_count():
    owner = Plain()
    contents = Contents([], [], [vars(owner)], {"scale", "late"})
    for value in range(30):
        owner.name = owner.other = value
        assert not contents.changed()
    owner.late = 1
    assert contents.changed()
    del owner.late, owner.other
    assert not contents.changed()
    owner.scale = 2
    assert contents.changed()
    owner.scale = 1
    assert not contents.changed()
    del owner.scale
    assert contents.changed()
