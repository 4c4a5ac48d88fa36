// Which nodes of a graph are needed, and in which order they can run. Private.
#pragma once

#include <string>
#include <vector>

#include <adjoint/onnx/import/expand.h>

namespace adjoint::onnx {

/// Text of a file as messages show it, without control characters.
std::string readable(const std::string& text);

/// "node "conv1" (Conv)"; one without a name goes by its first result.
std::string label_of(const Node& node);

/// The graphs in the attributes of a node.
std::vector<std::shared_ptr<const Graph>> graphs_of(const Node& node);

/// The names that a graph takes from outside, each once.
std::vector<std::string> free_names(const Graph& graph);

/// What a node needs: its inputs, and what its graphs take from outside; names left out are not among them.
std::vector<std::string> needed_names(const Node& node);

/// The numbers of the nodes that the outputs need, each behind those it needs itself, else in the order
/// of the file.
/// errors: ValueError naming the nodes of a circle, or a value that two nodes give.
std::vector<std::size_t> live_order(const std::vector<ScopedNode>& nodes,
                                    const std::vector<ValueInfo>& outputs);

}  // namespace adjoint::onnx
