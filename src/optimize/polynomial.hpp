#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "optimize/words.hpp"

namespace calotype::optimize {

/// Coefficient of x^first * gate^second.
using Polynomial = std::map<std::pair<int, int>, double>;

/// Activations of several nodes differ in how their products and sums are nested from exporter to exporter, but not in
/// the polynomial that they come to.
class PolynomialReader {
  public:
    PolynomialReader(const Graph& graph, ValueId x, ValueId gate) : graph_(graph), x_(x), gate_(gate) {}

    /// The value as a polynomial in x and gate; nothing where it is none of a degree up to 3.
    std::optional<Polynomial> read(ValueId value);
    /// The nodes read so far, none twice.
    const std::vector<NodeId>& nodes() const { return nodes_; }

  private:
    std::optional<Polynomial> of_node(NodeId id);
    std::optional<Polynomial> power(NodeId id);

    const Graph& graph_;
    ValueId x_, gate_;
    int depth_ = 0;
    std::vector<NodeId> nodes_;
};

/// Whether both have the same terms, coefficients within one in a thousand: exporters round sqrt(2 / pi) freely.
bool alike(const Polynomial& a, const Polynomial& b);

/// What y is made of by products and sums, the nearest first, y itself left out.
std::vector<ValueId> parts_of(const Graph& graph, ValueId y);

}  // namespace calotype::optimize
