// The computational graph as a picture.
//
//     picture::save_graph("shop.svg", [&] { return (apple * count + orange * other_count) * tax; },
//                         {{"apple", apple}, {"count", count}});
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <adjoint/autograd/record/trace.h>
#include <adjoint/train/picture/svg.h>

namespace adjoint::picture {

/// Tensors of the graph by the names that they are drawn with.
using Names = std::vector<std::pair<std::string, Tensor>>;

/// A box of the drawing: an operation or a variable.
struct GraphBox {
    std::string title;  ///< the operation, or the variable's name
    std::string value;  ///< numbers if few, else the shape; "" if not known
    std::string gradient;
    bool is_leaf = false;
    int layer = 0;  ///< inputs lie in lower layers than what uses them
};

/// From box to box, in forward direction.
struct GraphArrow {
    std::size_t from, to;
    int operand = 0;  ///< which input of the operation it is, from 1; 0 where their order does not matter
};

/// Boxes and the arrows between them.
struct ADJOINT_API Graph {
    std::vector<GraphBox> boxes;
    std::vector<GraphArrow> arrows;

    /// The graph in the language of Graphviz.
    std::string dot() const;
    /// Drawn in layers from left to right.
    Svg draw() const;
};

/// The graph that led to `output`, with the gradient of its sum at every box; grad() of leaves stays. Values
/// inside the graph are known where `trace` kept them. After backward() has freed the graph only leaves show
/// gradients, those of their grad().
/// errors: AutogradError if `output` was not recorded; ValueError beyond 2000 operations.
ADJOINT_API Graph graph(const Tensor& output, const Names& names = {}, const Trace* trace = nullptr);
/// A function that computes what is to be drawn.
template <class F>
concept Computation = std::is_invocable_r_v<Tensor, const F&> && !std::is_convertible_v<const F&, Tensor>;
/// The graph of what `compute()` gives, with all values inside: it runs under a Trace.
/// errors: as graph().
template <Computation F> Graph graph(const F& compute, const Names& names = {}) {
    const Trace trace;
    const Tensor output = compute();
    return graph(output, names, &trace);
}
/// The picture as SVG, or as DOT if `path` ends in .dot.
/// errors: as graph(); IoError.
ADJOINT_API void save_graph(const std::string& path, const Tensor& output, const Names& names = {},
                            const Trace* trace = nullptr);
template <Computation F> void save_graph(const std::string& path, const F& compute, const Names& names = {}) {
    const Trace trace;
    const Tensor output = compute();
    save_graph(path, output, names, &trace);
}

}  // namespace adjoint::picture
