#pragma once

#include <nanobind/nanobind.h>

#include <vector>

namespace calotype::python {

/// What one attribute said of each of many objects, to be compared with what it says now: `torch.Tensor._version` of a
/// network's tensors, before every call. The attribute's own function in C is called, without Python's look-up.
class Readings {
  public:
    /// Throws TypeError where `attribute` is no getter in C of every object's class.
    Readings(const nanobind::list& objects, const nanobind::object& attribute);
    bool changed() const;

  private:
    nanobind::object read(nanobind::handle object) const;

    nanobind::object attribute_;  // owns what follows
    getter get_ = nullptr;
    void* closure_ = nullptr;
    std::vector<nanobind::object> objects_, values_;
};

}  // namespace calotype::python
