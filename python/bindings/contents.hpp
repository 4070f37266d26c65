#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace calotype::python {

/// What stood in Python's own containers, to be compared with what stands there now: the attributes of a network's
/// modules, the lists and dictionaries in them, the variables that its code reads, before every call. As good as always
/// nothing changed, and every object is the very one that it was: that is seen without calling Python.
class Contents {
  public:
    /// `containers` are dicts, lists, classes, cells, and whatever `copy.copy` copies and == compares; `variables` are pairs
    /// of a dict and a name in it; of the dicts in `named` the keys count that are in `names`, whether they are there or not.
    Contents(const nanobind::list& containers, const nanobind::list& variables, const nanobind::list& named,
             const nanobind::set& names);
    bool changed();

  private:
    struct Container {
        nanobind::object now, before;
    };
    /// A dict and the number that Python gave its latest change. In a row of their own: a call reads one line of memory a
    /// dict, whatever else was used since the last one.
    struct Stamp {
        PyDictObject* dict;
        uint64_t change;
    };
    void watch_dict(nanobind::handle dict, const nanobind::object& before);
    bool dict_changed(size_t i);

    struct Variable {
        nanobind::dict namespace_;
        nanobind::object name, before;
    };
    std::vector<Stamp> stamps_;  // of dicts_
    size_t named_first_ = 0;     // from here on the dicts of which some keys count
    nanobind::set names_;
    std::vector<Container> dicts_, lists_, cells_, others_;
    std::vector<Variable> variables_;
};

}  // namespace calotype::python
