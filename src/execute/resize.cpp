#include "execute/resize.hpp"

#include <algorithm>

namespace calotype::execute {
namespace {

/// A stretch of elements that lies in one axis of the value, one of `split` and one of the tensor.
struct Atom {
    size_t value_axis, split_axis, tensor_axis;
    int64_t size;
};

/// For each axis of `fine`, the axis of `coarse` that it is part of, or nothing where it crosses one's end.
std::optional<std::vector<size_t>> axes_within(const Dims& fine, const Dims& coarse) {
    std::vector<size_t> axes;
    size_t axis = 0;
    int64_t left = coarse.empty() ? 1 : coarse[0];
    for (const int64_t size : fine) {
        while (left == 1 && size != 1 && axis + 1 < coarse.size()) left = coarse[++axis];
        if (left % size != 0) return {};
        left /= size;
        axes.push_back(axis);
    }
    return axes;
}

/// The finest axes that both have in common: those of the one where the other only joins them.
std::optional<Dims> common_axes(const Dims& a, const Dims& b) {
    if (axes_within(a, b)) return a;
    if (axes_within(b, a)) return b;
    return {};
}

/// Atoms in the tensor's order; axes of size 1 have none.
std::optional<std::vector<Atom>> atoms_of(const End& end) {
    const Dims value(end.placement.dims.begin() + 1, end.placement.dims.end());
    const Dims& split = end.placement.split;
    const auto parts = common_axes(value, split);
    if (!parts) return {};
    const auto in_value = axes_within(*parts, value), in_split = axes_within(*parts, split);
    if (!in_value || !in_split) return {};
    Dims permuted;  // the parts in the tensor's order
    std::vector<size_t> part_of;
    for (const int64_t axis : end.placement.axes)
        for (size_t part = 0; part < parts->size(); ++part)
            if ((*in_split)[part] == static_cast<size_t>(axis) && (*parts)[part] != 1) {
                permuted.push_back((*parts)[part]);
                part_of.push_back(part);
            }
    const auto fine = common_axes(permuted, end.shape);
    if (!fine) return {};
    const auto in_permuted = axes_within(*fine, permuted), in_tensor = axes_within(*fine, end.shape);
    if (!in_permuted || !in_tensor) return {};
    std::vector<Atom> atoms;
    for (size_t i = 0; i < fine->size(); ++i) {
        if ((*fine)[i] == 1) continue;
        const size_t part = part_of[(*in_permuted)[i]];
        atoms.push_back({(*in_value)[part], (*in_split)[part], (*in_tensor)[i], (*fine)[i]});
    }
    return atoms;
}

/// Sizes of the atoms where the axes they are part of change from `old` to `now`. An axis that changes must be one
/// atom.
bool resize(std::vector<Atom>& atoms, size_t Atom::* axis_of, const Dims& old, const Dims& now) {
    if (old.size() != now.size()) return false;
    for (size_t axis = 0; axis < old.size(); ++axis) {
        if (old[axis] == now[axis]) continue;
        Atom* only = nullptr;
        for (Atom& atom : atoms) {
            if (atom.*axis_of != axis) continue;
            if (only != nullptr) return false;
            only = &atom;
        }
        if (only == nullptr) return false;
        only->size = now[axis];
    }
    return true;
}

Dims sizes(const std::vector<Atom>& atoms, size_t Atom::* axis_of, size_t rank) {
    Dims dims(rank, 1);
    for (const Atom& atom : atoms) dims[atom.*axis_of] *= atom.size;
    return dims;
}

End made_of(const End& end, const std::vector<Atom>& atoms) {
    End made = end;
    const Dims value = sizes(atoms, &Atom::value_axis, end.placement.dims.size() - 1);
    std::copy(value.begin(), value.end(), made.placement.dims.begin() + 1);
    made.placement.split = sizes(atoms, &Atom::split_axis, end.placement.split.size());
    made.shape = sizes(atoms, &Atom::tensor_axis, end.shape.size());
    return made;
}

}  // namespace

std::optional<End> resized_to_dims(const End& end, const Dims& dims) {
    if (dims.size() != end.placement.dims.size() || dims.empty() || dims[0] != end.placement.dims[0]) return {};
    auto atoms = atoms_of(end);
    const Dims old(end.placement.dims.begin() + 1, end.placement.dims.end()), now(dims.begin() + 1, dims.end());
    if (!atoms || !resize(*atoms, &Atom::value_axis, old, now)) return {};
    return made_of(end, *atoms);
}

std::optional<End> resized_to_shape(const End& end, const Dims& shape) {
    if (end.placement.dims.empty()) return {};
    auto atoms = atoms_of(end);
    if (!atoms || !resize(*atoms, &Atom::tensor_axis, end.shape, shape)) return {};
    return made_of(end, *atoms);
}

bool holds(const npu::Placement& placement, const Dims& dims) {
    return placement.dims == dims ||
           (placement.dims.size() != dims.size() && element_count(placement.dims) == element_count(dims));
}

}  // namespace calotype::execute
