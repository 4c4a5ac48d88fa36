// Views and rearrangements.
#include <algorithm>
#include <limits>

#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/export/call.h>

namespace adjoint::onnx::exporting {
namespace {

void reshape(Call& call) { call.set(call.reshape(call.in(0), call.shape(), call.pairs("shape"))); }

void expand(Call& call) {
    // A size of 1 keeps the operand's own.
    const Pairs before = call.shape();
    Pairs after = call.pairs("shape");
    const std::size_t more = after.size() - before.size();
    for (std::size_t d = 0; d < before.size(); ++d)
        if (!after[d + more].fixed() && before[d] == after[d + more]) after[d + more] = {1, 1};
    call.set(call.node("Expand", {call.in(0), call.builder.sizes(after)}));
}

void permute(Call& call) { call.set(call.transpose(call.in(0), call.list("dims"))); }

void slice(Call& call) {
    const std::int64_t dim = call.integer("dim"), step = call.integer("step");
    const Pair size = call.shape()[static_cast<std::size_t>(dim)], start = call.pair("start"),
               count = call.pair("count");
    const auto end = [&](std::int64_t from, std::int64_t n) {
        return n > 0 ? from + (n - 1) * step + 1 : from;
    };
    const Pair stop{end(start.first, count.first), end(start.second, count.second)};
    // A place that moves with the size is counted from the end, and one that moves otherwise is computed.
    const auto place = [&](const Pair& at, bool is_stop) {
        const Pair left{at.first - size.first, at.second - size.second};
        if (at.fixed()) return call.builder.integers({at.first});
        if (is_stop && left.first > -step && left.second > -step)
            return call.builder.integers({std::numeric_limits<std::int64_t>::max()});
        return left.fixed() && left.first < 0 ? call.builder.integers({left.first})
                                              : call.builder.sizes({at});
    };
    Names in{call.in(0), place(start, false), place(stop, true), call.builder.integers({dim})};
    if (step != 1) in.push_back(call.builder.integers({step}));
    call.set(call.node("Slice", in));
}

void cat(Call& call) {
    Names parts;
    for (std::size_t i = 0; i < call.inputs(); ++i) parts.push_back(call.in(i, call.result().dtype()));
    call.set(call.node("Concat", parts, {attribute("axis", call.integer("dim"))}));
}

void unbind(Call& call) {
    const std::int64_t dim = call.integer("dim");
    const std::string x = call.in(0);
    for (std::size_t i = 0; i < call.outputs(); ++i)
        if (call.has_output(i))
            call.set(i, call.node("Gather", {x, call.constant(static_cast<double>(i), DType::i64)},
                                  {attribute("axis", dim)}));
}

}  // namespace

void add_shapes(Mappings& table) {
    const Mappings own = {
        {"reshape", reshape}, {"expand", expand}, {"permute", permute},
        {"slice", slice},     {"cat", cat},       {"unbind", unbind},
    };
    table.insert(table.end(), own.begin(), own.end());
}

}  // namespace adjoint::onnx::exporting
