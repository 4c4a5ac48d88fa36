// Gathering, scattering, order.
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/export/call.h>

namespace adjoint::onnx::exporting {
namespace {

void gather(Call& call) {
    call.set(call.node("GatherElements", {call.in(0), call.in(1, DType::i64)},
                       {attribute("axis", call.integer("dim"))}));
}

void index_select(Call& call) {
    std::string places = call.in(1, DType::i64);
    if (call.tensor(1).dim() == 0) places = call.unsqueeze(places, 0);
    call.set(call.node("Gather", {call.in(0), places}, {attribute("axis", call.integer("dim"))}));
}

// The part of the source that the index covers.
std::string covered_source(Call& call) {
    std::string source = call.in(2);
    const Sizes places = call.shape(1), sizes = call.shape(2);
    for (std::size_t d = 0; d < places.size(); ++d) {
        if (places[d] == sizes[d]) continue;
        if (!places[d].fixed()) call.refuse("a part of its source along a dynamic axis");
        source = call.slice(source, static_cast<std::int64_t>(d), 0, places[d].first());
    }
    return source;
}

void scatter_add(Call& call) {
    constexpr std::int64_t has_reduction = 16;
    if (call.builder.opset() < has_reduction) call.refuse("ScatterElements adds from opset 16 on");
    call.set(call.node("ScatterElements", {call.in(0), call.in(1, DType::i64), covered_source(call)},
                       {attribute("axis", call.integer("dim")), attribute("reduction", std::string("add"))}));
}

void scatter(Call& call) {
    call.set(call.node("ScatterElements", {call.in(0), call.in(1, DType::i64), covered_source(call)},
                       {attribute("axis", call.integer("dim"))}));
}

void nonzero(Call& call) {
    if (call.tensor().dim() == 0) call.refuse("of a tensor without dimensions");
    const DType type = call.tensor().dtype();
    const std::string x = call.in(0, type == DType::u8 ? DType::i32 : type);
    call.set(call.transpose(call.node("NonZero", {x}), {1, 0}));
}

void masked_select(Call& call) { call.set(call.node("Compress", {call.in(0), call.in(1)})); }

void ordered(Call& call, const Size& count, bool largest) {
    const std::int64_t dim = call.integer("dim");
    const DType type = call.tensor().dtype(),
                used = type == DType::boolean || type == DType::u8 ? DType::i32 : type;
    const Names out =
        call.builder.node_of_many("TopK", {call.in(0, used), call.builder.sizes({count})},
                                  {attribute("axis", dim), attribute("largest", std::int64_t{largest}),
                                   attribute("sorted", std::int64_t{1})},
                                  2);
    if (call.has_output(0)) call.set(0, call.cast(out[0], used, type));
    call.set(1, out[1]);
}
void sort(Call& call) {
    ordered(call, call.shape()[static_cast<std::size_t>(call.integer("dim"))], call.flag("descending"));
}
void topk(Call& call) { ordered(call, call.size("k"), call.flag("largest")); }

void unique(Call& call) {
    const DType type = call.tensor().dtype(),
                used = type == DType::boolean || type == DType::u8 ? DType::i32 : type;
    const Names out = call.builder.node_of_many("Unique", {call.in(0, used)}, {}, 4);
    call.set(0, call.cast(out[0], used, type));
    if (call.has_output(1)) call.set(1, call.node("Reshape", {out[2], call.node("Shape", {call.in(0)})}));
    call.set(2, out[3]);
}

}  // namespace

void add_indexing(Mappings& table) {
    const Mappings own = {
        {"gather", gather},
        {"index_select", index_select},
        {"scatter_add", scatter_add},
        {"scatter", scatter},
        {"nonzero", nonzero},
        {"masked_select", masked_select},
        {"sort", sort},
        {"topk", topk},
        {"unique", unique},
    };
    table.insert(table.end(), own.begin(), own.end());
}

}  // namespace adjoint::onnx::exporting
