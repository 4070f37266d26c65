#include "contents.hpp"

#include <algorithm>

namespace calotype::python {

namespace nb = nanobind;

namespace {

/// Objects that cannot be compared, or give no truth value, as arrays do, are different.
bool differ(nb::handle a, nb::handle b) {
    if (a.is(b)) return false;
    const int equal = PyObject_RichCompareBool(a.ptr(), b.ptr(), Py_EQ);
    if (equal < 0) PyErr_Clear();
    return equal != 1;
}

bool same_items(PyObject* a, PyObject* b) {
    if (PyDict_GET_SIZE(a) != PyDict_GET_SIZE(b)) return false;
    PyObject *key_a = nullptr, *value_a = nullptr, *key_b = nullptr, *value_b = nullptr;
    Py_ssize_t at_a = 0, at_b = 0;
    while (PyDict_Next(a, &at_a, &key_a, &value_a) != 0 && PyDict_Next(b, &at_b, &key_b, &value_b) != 0)
        if (key_a != key_b || value_a != value_b) return false;
    return true;
}

nb::dict named_items(nb::handle dict, const nb::set& names) {
    nb::dict found;
    for (const auto& [name, value] : nb::borrow<nb::dict>(dict))
        if (names.contains(name)) found[name] = value;
    return found;
}

/// As of `named_items`, without making them.
bool same_named_items(PyObject* now, PyObject* before, PyObject* names) {
    PyObject *key = nullptr, *value = nullptr;
    Py_ssize_t at = 0, found = 0;
    while (PyDict_Next(now, &at, &key, &value) != 0) {
        if (PySet_Contains(names, key) != 1) continue;
        if (PyDict_GetItemWithError(before, key) != value) return false;
        ++found;
    }
    return found == PyDict_GET_SIZE(before);
}

bool same_list(PyObject* a, PyObject* b) {
    const Py_ssize_t size = PyList_GET_SIZE(a);
    if (size != PyList_GET_SIZE(b)) return false;
    for (Py_ssize_t i = 0; i < size; ++i)
        if (PyList_GET_ITEM(a, i) != PyList_GET_ITEM(b, i)) return false;
    return true;
}

/// Another number after each change (PEP 509), 0 where this Python keeps none: 3.12 deprecates it, later ones lack it.
uint64_t latest_change([[maybe_unused]] const PyDictObject* dict) {
#if PY_VERSION_HEX >= 0x030c0000
    return 0;
#else
    return dict->ma_version_tag;
#endif
}

/// A class's own dictionary: Python shows a copy-on-read view of it.
nb::object dict_of_class(nb::handle cls) {
#if PY_VERSION_HEX >= 0x030c0000
    return nb::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(cls.ptr())));
#else
    return nb::borrow(reinterpret_cast<PyTypeObject*>(cls.ptr())->tp_dict);
#endif
}

nb::object in_cell(nb::handle cell) {
    PyObject* value = PyCell_GET(cell.ptr());
    return value == nullptr ? nb::none() : nb::borrow(value);
}

}  // namespace

Contents::Contents(const nb::list& containers, const nb::list& variables, const nb::list& named, const nb::set& names)
    : names_(names) {
    const nb::object copy = nb::module_::import_("copy").attr("copy");
    for (const nb::handle each : containers) {
        const nb::object now = PyType_Check(each.ptr()) ? dict_of_class(each) : nb::borrow(each);
        if (PyDict_Check(now.ptr())) {
            watch_dict(now, nb::steal(PyDict_Copy(now.ptr())));
        } else if (PyList_Check(now.ptr())) {
            lists_.push_back({now, nb::steal(PyList_GetSlice(now.ptr(), 0, PyList_GET_SIZE(now.ptr())))});
        } else if (PyCell_Check(now.ptr())) {
            cells_.push_back({now, in_cell(now)});
        } else {
            others_.push_back({now, copy(now)});
        }
    }
    named_first_ = dicts_.size();
    for (const nb::handle each : named) watch_dict(each, named_items(each, names_));
    for (const nb::handle each : variables) {
        const auto pair = nb::cast<nb::tuple>(each);
        const auto namespace_ = nb::cast<nb::dict>(pair[0]);
        variables_.push_back({namespace_, nb::borrow(pair[1]), nb::borrow(namespace_[pair[1]])});
    }
}

void Contents::watch_dict(nb::handle dict, const nb::object& before) {
    auto* object = reinterpret_cast<PyDictObject*>(dict.ptr());
    stamps_.push_back({object, latest_change(object)});
    dicts_.push_back({nb::borrow(dict), before});
}

/// Set anew and as before, as by a program that counts up and down, is no change.
bool Contents::dict_changed(size_t i) {
    Stamp& stamp = stamps_[i];
    const uint64_t now = latest_change(stamp.dict);
    if (now == stamp.change && now != 0) return false;
    const Container& each = dicts_[i];
    PyObject* dict = each.now.ptr();
    if (i < named_first_) {
        if (!same_items(dict, each.before.ptr()) && differ(each.now, each.before)) return true;
    } else if (!same_named_items(dict, each.before.ptr(), names_.ptr())) {
        if (differ(named_items(each.now, names_), each.before)) return true;
    }
    stamp.change = now;
    return false;
}

bool Contents::changed() {
    for (size_t i = 0; i < stamps_.size(); ++i)
        if (dict_changed(i)) return true;
    return std::ranges::any_of(lists_,
                               [](const Container& each) {
                                   return !same_list(each.now.ptr(), each.before.ptr()) &&
                                          differ(each.now, each.before);
                               }) ||
           std::ranges::any_of(cells_, [](const Container& each) { return differ(in_cell(each.now), each.before); }) ||
           std::ranges::any_of(others_, [](const Container& each) { return differ(each.now, each.before); }) ||
           std::ranges::any_of(variables_, [](const Variable& each) {
               PyObject* now = PyDict_GetItemWithError(each.namespace_.ptr(), each.name.ptr());
               if (now == nullptr) PyErr_Clear();
               return now == nullptr || differ(now, each.before);
           });
}

}  // namespace calotype::python
