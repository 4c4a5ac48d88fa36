// Views and rearrangements.
#include <algorithm>
#include <functional>
#include <limits>

#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/export/call.h>

namespace adjoint::onnx::exporting {
namespace {

void reshape(Call& call) { call.set(call.reshape(call.in(0), call.shape(), call.sizes("shape"))); }

void expand(Call& call) {
    // A size of 1 keeps the operand's own.
    const Sizes before = call.shape();
    Sizes after = call.sizes("shape");
    const std::size_t more = after.size() - before.size();
    for (std::size_t d = 0; d < before.size(); ++d)
        if (!after[d + more].fixed() && before[d] == after[d + more]) after[d + more] = {{1}};
    call.set(call.node("Expand", {call.in(0), call.builder.sizes(after)}));
}

void permute(Call& call) { call.set(call.transpose(call.in(0), call.list("dims"))); }

// x[start : stop : step] as in ONNX: places below 0 count from the end, those beyond it mean the end.
void slice(Call& call) {
    const std::int64_t dim = call.integer("dim"), step = call.integer("step");
    const Size size = call.shape()[static_cast<std::size_t>(dim)];
    // A place that moves with the size is counted from the end, and one that moves otherwise is computed.
    const auto place = [&](const Size& at, bool is_stop) {
        const Size left = each_run(std::minus<>(), at, size);
        if (at.fixed()) return call.builder.integers({at.first()});
        if (is_stop && std::ranges::all_of(left.runs, [](std::int64_t n) { return n >= 0; }))
            return call.builder.integers({std::numeric_limits<std::int64_t>::max()});
        return left.fixed() && left.first() < 0 ? call.builder.integers({left.first()})
                                                : call.builder.sizes({at});
    };
    Names in{call.in(0), place(call.size("start"), false), place(call.size("stop"), true),
             call.builder.integers({dim})};
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
