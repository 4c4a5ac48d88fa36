// Recurrent layers, as nodes over whole sequences.
#include <vector>

#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/onnx/export/call.h>

namespace adjoint::onnx::exporting {
namespace {

// Rows of gates in the order of ONNX; place i of `order` says which of ours comes there.
Tensor reordered(const Tensor& weight, const std::vector<std::int64_t>& order) {
    const std::int64_t rows = weight.size(0) / static_cast<std::int64_t>(order.size());
    std::vector<Tensor> gates;
    for (const std::int64_t gate : order) gates.push_back(narrow(weight, 0, gate * rows, rows));
    return cat(gates, 0);
}

bool is_zero(Call& call, std::size_t i) {
    const int value = call.input(i);
    return (call.builder.is_static(value) || call.builder.is_pattern(value)) &&
           !any(call.tensor(i)).item<bool>();
}

void recurrent(Call& call) {
    const std::string_view kind = call.word("kind");
    const bool lstm = kind == "lstm", gru = kind == "gru";
    const DType type = call.result().dtype();
    const std::vector<std::int64_t> order =
        lstm  ? std::vector<std::int64_t>{0, 3, 1, 2}  // input, output, forget, cell
        : gru ? std::vector<std::int64_t>{1, 0, 2}     // update, reset, hidden
              : std::vector<std::int64_t>{0};
    const NoGrad guard;
    const auto weight = [&](std::size_t i) {
        if (!call.builder.is_static(call.input(i))) call.refuse("its weights are computed from the inputs");
        return reordered(call.builder.static_tensor(call.input(i)).to(type), order);
    };
    const auto constant = [&](const Tensor& x, std::size_t named_as) {
        const std::string& name = call.builder.first(call.input(named_as)).name;
        return call.builder.constant(unsqueeze(x, 0), name.empty() ? "" : name + "_onnx");
    };
    Names in{call.in(0, type), constant(weight(3), 3), constant(weight(4), 4)};
    in.push_back(call.has(5) ? constant(cat({weight(5), weight(6)}, 0), 5) : "");
    in.push_back("");  // all sequences have one length
    for (const std::size_t state : {std::size_t{1}, std::size_t{2}})
        in.push_back(call.has(state) && !is_zero(call, state) ? call.unsqueeze(call.in(state, type), 0) : "");
    while (in.back().empty()) in.pop_back();

    NodeAttributes attributes{
        attribute("hidden_size", call.tensor(1).shape()[1]),
        attribute("direction", std::string(call.flag("reverse") ? "reverse" : "forward"))};
    if (gru) attributes.push_back(attribute("linear_before_reset", std::int64_t{1}));
    if (kind == "rnn_relu") attributes.push_back({"activations", std::vector<std::string>{"Relu"}, {}});
    const Names out = call.builder.node_of_many(lstm  ? "LSTM"
                                                : gru ? "GRU"
                                                      : "RNN",
                                                in, attributes, lstm ? 3 : 2);
    call.set(0, call.squeeze(out[0], 1));
    call.set(1, call.squeeze(out[1], 0));
    if (lstm) call.set(2, call.squeeze(out[2], 0));
}

}  // namespace

void add_recurrent(Mappings& table) { table.push_back({"recurrent", recurrent}); }

}  // namespace adjoint::onnx::exporting
