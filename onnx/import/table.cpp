// The tables of all topics as one.
#include <algorithm>
#include <map>

#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

using Versions = std::vector<const Row*>;  // by rising version

const std::map<std::string_view, Versions>& table() {
    static const auto* const all = [] {
        auto* names = new std::map<std::string_view, Versions>;
        for (const auto rows : {elementwise_rows(),   arithmetic_rows(), reduce_rows(),    shape_rows(),
                                cut_rows(),           index_rows(),      choice_rows(),    product_rows(),
                                convolution_rows(),   pooling_rows(),    region_rows(),    resize_rows(),
                                normalisation_rows(), attention_rows(),  recurrent_rows(), random_rows(),
                                loss_rows(),          signal_rows(),     quantised_rows(), control_rows()})
            for (const Row& row : rows) (*names)[row.name].push_back(&row);
        for (auto& [name, versions] : *names)
            std::sort(versions.begin(), versions.end(),
                      [](const Row* a, const Row* b) { return a->since < b->since; });
        return names;
    }();
    return *all;
}

}  // namespace

const Row* find_row(const std::string& name, std::int64_t opset) {
    const auto found = table().find(name);
    if (found == table().end()) return nullptr;
    const Row* best = nullptr;
    for (const Row* row : found->second)
        if (row->since <= opset) best = row;
    return best;
}

std::vector<const Row*> all_rows() {
    std::vector<const Row*> rows;
    for (const auto& [name, versions] : table()) rows.insert(rows.end(), versions.begin(), versions.end());
    return rows;
}

}  // namespace adjoint::onnx
