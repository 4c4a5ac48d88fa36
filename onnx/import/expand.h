// Calls of a model's own functions replaced by the nodes of their bodies. Private.
#pragma once

#include <map>
#include <memory>
#include <tuple>

#include <adjoint/onnx/format/model.h>

namespace adjoint::onnx {

/// Versions by domain.
using OperatorSets = std::map<std::string, std::int64_t>;

/// A node with the versions that count for it.
struct ScopedNode {
    Node node;
    std::shared_ptr<const OperatorSets> sets;
};

std::shared_ptr<const OperatorSets> operator_sets(const std::vector<OperatorSet>& sets);

class Functions {
  public:
    /// `model` outlives this.
    explicit Functions(const Model& model);

    /// The nodes, in which no function is called any more, except inside of their graphs.
    /// errors: ValueError for a function that calls itself, or where the bodies put in for all calls so far
    /// are too many or too large.
    std::vector<ScopedNode> expanded(const std::vector<Node>& nodes,
                                     const std::shared_ptr<const OperatorSets>& sets);

  private:
    using Key = std::tuple<std::string, std::string, std::string>;
    struct Expansion;

    void expand(Expansion& into, const Node& node, const std::shared_ptr<const OperatorSets>& sets);

    std::map<Key, const Function*> all_;
    std::size_t calls_ = 0;
    std::int64_t copied_ = 0;  // bytes
};

}  // namespace adjoint::onnx
