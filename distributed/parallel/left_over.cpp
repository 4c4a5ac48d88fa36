// Written and read side by side.
#include <adjoint/distributed/parallel/left_over.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/distributed/group/purpose.h>
#include <adjoint/distributed/parallel/texts.h>

namespace adjoint::distributed {
namespace {

constexpr const char* order_name = "order";

std::string name_of(std::size_t rank, std::size_t parameter) {
    return fmt::format("rank.{}.{}", rank, parameter);
}

// Rank and parameter of such a name.
std::optional<std::pair<std::size_t, std::size_t>> numbers_of(std::string_view name) {
    std::size_t rank = 0, parameter = 0;
    const std::size_t point = name.rfind('.');
    if (point == std::string_view::npos || !name.starts_with("rank.") || point < 5) return {};
    std::from_chars(name.data() + 5, name.data() + point, rank);
    std::from_chars(name.data() + point + 1, name.data() + name.size(), parameter);
    if (name != name_of(rank, parameter)) return {};
    return std::pair(rank, parameter);
}

std::vector<std::size_t> order_of(const Tensor& tensor, std::size_t count) {
    check<ValueError>(tensor.dtype() == DType::i64 && tensor.dim() == 1 &&
                          tensor.numel() == static_cast<std::int64_t>(count),
                      "data parallel: what compression has left over is of another model: an order of {}, "
                      "expected one of {} parameters",
                      tensor.shape(), count);
    const std::vector<std::int64_t> numbers = tensor.to_vector<std::int64_t>();
    std::vector<std::int64_t> sorted = numbers;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < count; ++i)
        check<ValueError>(sorted[i] == static_cast<std::int64_t>(i),
                          "data parallel: what compression has left over: its order is none of {} parameters",
                          count);
    return {numbers.begin(), numbers.end()};
}

}  // namespace

optim::NamedTensors left_over(const Group& group, const Sharding& sharding, const Buckets& buckets) {
    const Purpose purpose("what compression has left over");
    const std::vector<Tensor> residuals = buckets.residuals();
    optim::NamedTensors own;
    for (std::size_t i = 0; i < residuals.size(); ++i)
        if (residuals[i].defined())
            own.emplace_back(name_of(static_cast<std::size_t>(group.rank()), i), residuals[i]);
    optim::NamedTensors all = on_first_rank(group, own, [&](const std::string& name) {
        return sharding.empty_like(numbers_of(name).value().second);
    });
    if (group.rank() > 0) return {};
    std::vector<std::int64_t> order;
    for (const std::size_t i : buckets.order()) order.push_back(static_cast<std::int64_t>(i));
    all.emplace_back(order_name, tensor(order, {std::ssize(order)}, Device::cpu()));
    return all;
}

void load_left_over(const Group& group, const Sharding& sharding, Buckets& buckets,
                    const optim::NamedTensors& state) {
    const NoGrad guard;
    const std::vector<Tensor>& parameters = sharding.parameters();
    std::optional<std::vector<std::size_t>> order;
    std::vector<std::vector<Tensor>> ranks;
    for (const auto& [name, tensor] : state) {
        if (name == order_name) {
            order = order_of(tensor, parameters.size());
            continue;
        }
        const auto numbers = numbers_of(name);
        check<ValueError>(numbers && numbers->second < parameters.size() && numbers->first < state.size(),
                          "data parallel: what compression has left over: {} is of no parameter", name);
        const Tensor& parameter = parameters[numbers->second];
        check<ValueError>(
            tensor.shape() == parameter.shape() && tensor.dtype() == parameter.dtype(),
            "data parallel: what compression has left over: {} is {} of shape {}, expected {} of "
            "shape {}",
            name, adjoint::name(tensor.dtype()), tensor.shape(), adjoint::name(parameter.dtype()),
            parameter.shape());
        while (ranks.size() <= numbers->first) ranks.emplace_back(parameters.size());
        ranks[numbers->first][numbers->second] = tensor.to(sharding.device(numbers->second));
    }
    check<ValueError>(order.has_value(), "data parallel: what compression has left over has no {}",
                      order_name);
    std::vector<Tensor> own(parameters.size());
    if (ranks.size() == static_cast<std::size_t>(group.size()))
        own = ranks[static_cast<std::size_t>(group.rank())];
    else if (group.rank() == 0)
        for (const std::vector<Tensor>& rank : ranks)
            for (std::size_t i = 0; i < own.size(); ++i)
                if (rank[i].defined()) own[i] = own[i].defined() ? own[i] + rank[i] : rank[i];
    buckets.go_on(*std::move(order), own);
}

}  // namespace adjoint::distributed
