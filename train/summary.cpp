// The summary table.
#include <adjoint/train/summary.h>

#include <algorithm>

#include <adjoint/core/format.h>

namespace adjoint::train {

std::string summary(const nn::Module& module) {
    struct Row {
        std::string name, shape;
        std::int64_t elements;
        const char* kind;
    };
    std::vector<Row> rows;
    std::int64_t trained = 0;
    std::size_t bytes = 0, name_width = 4, shape_width = 5;
    const auto add = [&](const nn::NamedTensors& tensors, const char* kind) {
        for (const auto& [name, tensor] : tensors) {
            rows.push_back({name, to_string(tensor.shape()), tensor.numel(), kind});
            bytes += static_cast<std::size_t>(tensor.numel()) * size_of(tensor.dtype());
            name_width = std::max(name_width, name.size());
            shape_width = std::max(shape_width, rows.back().shape.size());
        }
    };
    add(module.named_parameters(), "");
    for (const Row& row : rows) trained += row.elements;
    add(module.named_buffers(), "  buffer");
    std::string text =
        fmt::format("{:<{}}  {:<{}}  {:>12}\n", "name", name_width, "shape", shape_width, "elements");
    text += std::string(name_width + shape_width + 16, '-') + "\n";
    for (const Row& row : rows)
        text += fmt::format("{:<{}}  {:<{}}  {:>12}{}\n", row.name, name_width, row.shape, shape_width,
                            row.elements, row.kind);
    text += std::string(name_width + shape_width + 16, '-') + "\n";
    return text + fmt::format("{} parameters to train, {:.1f} KiB with buffers\n", trained,
                              static_cast<double>(bytes) / 1024);
}

}  // namespace adjoint::train
