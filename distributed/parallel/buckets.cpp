// All ranks have the same buckets and send them in the same order, whatever the order of their gradients.
#include <adjoint/distributed/parallel/buckets.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <numeric>
#include <utility>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/file.h>
#include <adjoint/distributed/group/purpose.h>

namespace adjoint::distributed {
namespace {

// Every gradient begins where a line of the cache does.
std::int64_t padded(const Tensor& parameter) {
    const auto line = static_cast<std::int64_t>(64 / size_of(parameter.dtype()));
    return (parameter.numel() + line - 1) / line * line;
}

// The memory of all sums that stand in some grad(), with the number of writes to it when they came there: as
// long as it is held nothing else has that address.
class Sums {
  public:
    /// Empty memory, known from now until it goes.
    static Tensor memory_of(std::int64_t numel, const BlobOptions& options) {
        const Tensor memory = empty({numel}, {.dtype = options.dtype, .device = options.device});
        const void* const place = memory.impl().data;
        const Tensor known =
            from_blob(memory.impl().data, memory.shape(), options, [memory, place] { forget(place); });
        const std::scoped_lock lock(mutex());
        all()[place] = 0;
        return known;
    }
    static void note(const Tensor& sum) {
        const std::scoped_lock lock(mutex());
        if (const auto found = all().find(sum.impl().storage->data()); found != all().end())
            found->second = sum.version();
    }
    /// The number of writes when it came, none where it is no sum.
    static std::optional<std::uint32_t> version_of(const Tensor& gradient) {
        const std::scoped_lock lock(mutex());
        const auto found = all().find(gradient.impl().storage->data());
        return found == all().end() ? std::nullopt : std::optional(found->second);
    }

  private:
    static void forget(const void* place) {
        const std::scoped_lock lock(mutex());
        all().erase(place);
    }
    // Never destroyed: tensors may outlive all else.
    static std::mutex& mutex() {
        static std::mutex& one = *new std::mutex;
        return one;
    }
    static std::map<const void*, std::uint32_t>& all() {
        static auto& one = *new std::map<const void*, std::uint32_t>;
        return one;
    }
};

bool is_zero(const Tensor& x) { return !any(x != 0).item<bool>(); }

}  // namespace

Buckets::Buckets(const Sharding& sharding, Group group, const DataParallelOptions& options)
    : sharding_(sharding),
      parameters_(sharding.parameters()),
      group_(std::move(group)),
      options_(options),
      order_(parameters_.size()),
      aside_(parameters_.size()) {
    // The last layer's gradients come first.
    std::iota(order_.rbegin(), order_.rend(), std::size_t{0});
}

std::vector<bool> Buckets::trainable() const {
    std::vector<bool> result;
    for (const Tensor& parameter : parameters_) result.push_back(parameter.requires_grad());
    return result;
}

void Buckets::plan() {
    const std::vector<Tensor> residuals = this->residuals();
    buckets_.clear();
    places_.assign(parameters_.size(), {});
    std::vector<Bucket> open;  // one for each type and device, and for each owner where that has the sum
    const auto close = [this](Bucket bucket) {
        for (const std::size_t i : bucket.parameters) places_[i].bucket = buckets_.size();
        buckets_.push_back(std::move(bucket));
    };
    for (const std::size_t i : order_) {
        if (!trainable_[i]) continue;
        const Tensor& parameter = parameters_[i];
        const auto takes = [&](const Bucket& bucket) {
            const std::size_t first = bucket.parameters[0];
            const Tensor& other = parameters_[first];
            return other.dtype() == parameter.dtype() && sharding_.device(first) == sharding_.device(i) &&
                   (!sums_on_owner() || sharding_.owner(first) == sharding_.owner(i));
        };
        auto at = std::find_if(open.begin(), open.end(), takes);
        if (at == open.end()) at = open.emplace(open.end());
        Bucket& bucket = *at;
        places_[i].offset = bucket.numel;
        places_[i].number = static_cast<std::int64_t>(bucket.parameters.size());
        bucket.parameters.push_back(i);
        bucket.numel += padded(parameter);
        const std::int64_t limit = buckets_.empty() ? options_.bucket_bytes / 25 : options_.bucket_bytes;
        if (bucket.numel * static_cast<std::int64_t>(size_of(parameter.dtype())) < limit) continue;
        close(std::move(bucket));
        open.erase(at);
    }
    for (Bucket& bucket : open) close(std::move(bucket));
    put_residuals(residuals);
    std::vector<std::byte> trained;
    for (const bool one : trainable_) trained.push_back(std::byte{one});
    purpose_ = fmt::format("gradients of {} of {} parameters, {:08x}",
                           std::count(trainable_.begin(), trainable_.end(), true), trainable_.size(),
                           data::crc32(trained));
}

std::vector<Tensor> Buckets::residuals() const {
    std::vector<Tensor> all(parameters_.size());
    for (const Bucket& bucket : buckets_)
        if (bucket.residual.defined())
            for (const std::size_t i : bucket.parameters) all[i] = part(bucket.residual, i);
    return all;
}

void Buckets::go_on(std::vector<std::size_t> order, const std::vector<Tensor>& residuals) {
    const NoGrad guard;
    order_ = std::move(order);
    learned_ = true;
    trainable_ = trainable();
    buckets_.clear();
    plan();
    put_residuals(residuals);
}

void Buckets::put_residuals(const std::vector<Tensor>& of_parameters) {
    for (Bucket& bucket : buckets_)
        for (const std::size_t i : bucket.parameters) {
            if (!of_parameters[i].defined()) continue;
            if (!bucket.residual.defined())
                bucket.residual =
                    zeros({bucket.numel + std::ssize(bucket.parameters)},
                          {.dtype = of_parameters[i].dtype(), .device = of_parameters[i].device()});
            part(bucket.residual, i).copy_(of_parameters[i]);
        }
}

void Buckets::begin() {
    if (std::vector<bool> now = trainable(); now != trainable_) {
        trainable_ = std::move(now);
        learned_ = false;
        plan();
    }
    for (Bucket& bucket : buckets_) {
        bucket.complete = 0;
        bucket.work.reset();
        bucket.flat = bucket.sent = {};
    }
    for (Place& place : places_) place.filled = false;
    arrivals_.clear();
    sent_ = 0;
    rates_ = sharding_.rates();
    put_aside();
}

void Buckets::put_aside() {
    const NoGrad guard;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        const Tensor sum = parameters_[i].grad();
        if (!trainable_[i] || !sum.defined()) continue;
        const std::optional<std::uint32_t> version = Sums::version_of(sum);
        if (!version) continue;
        check<ValueError>(sum.version() == *version || is_zero(sum),
                          "data parallel: the sum of an earlier backward pass was changed in grad() of a "
                          "parameter of shape {}; micro-batches go through loss.backward() before the one of "
                          "parallel.backward(), and zero_grad() comes behind each step",
                          sum.shape());
        aside_[i] = sum;
        parameters_[i].set_grad({});
    }
}
void Buckets::add_aside() {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        if (!aside_[i].defined()) continue;
        if (const Tensor sum = parameters_[i].grad(); sum.defined()) aside_[i] += sum;
        parameters_[i].set_grad(std::exchange(aside_[i], {}));
    }
}

void Buckets::give_up() {
    for (std::size_t i = 0; i < parameters_.size(); ++i)
        if (aside_[i].defined()) parameters_[i].set_grad(std::exchange(aside_[i], {}));
}

bool Buckets::sums_on_owner() const { return sharding_.what() >= Shard::gradients; }

bool Buckets::is_elsewhere(const Bucket& bucket) const {
    return sums_on_owner() && !sharding_.is_own(bucket.parameters[0]);
}

// Where the gradient of a parameter lies in its bucket, or what is of it in what is like that.
Tensor Buckets::part(const Tensor& flat, std::size_t parameter) const {
    const Shape& shape = parameters_[parameter].shape();
    return detached_view(flat, shape, dense_strides(shape), places_[parameter].offset);
}

void Buckets::fill(std::size_t parameter, const Tensor& gradient) {
    Bucket& bucket = buckets_[places_[parameter].bucket];
    if (!bucket.flat.defined()) {
        const auto flags = static_cast<std::int64_t>(bucket.parameters.size());
        bucket.flat = Sums::memory_of(bucket.numel + flags, {.dtype = parameters_[parameter].dtype(),
                                                             .device = sharding_.device(parameter)});
        detached_view(bucket.flat, {flags}, {1}, bucket.numel).fill_(0);
    }
    const Place& place = places_[parameter];
    const std::int64_t numel = parameters_[parameter].numel(), gap = padded(parameters_[parameter]) - numel;
    if (!gradient.defined()) {
        detached_view(bucket.flat, {numel + gap}, {1}, place.offset).fill_(0);
        return;
    }
    places_[parameter].filled = true;
    part(bucket.flat, parameter).copy_(gradient);
    if (gap > 0) detached_view(bucket.flat, {gap}, {1}, place.offset + numel).fill_(0);
    detached_view(bucket.flat, {}, {}, bucket.numel + place.number).fill_(1);
}

void Buckets::send(Bucket& bucket) {
    bucket.sent = bucket.flat;
    if (options_.compress && bucket.flat.dtype() == f32) {
        // What is left over of a gradient waits for the next one that this rank has.
        std::vector<std::pair<std::size_t, Tensor>> waiting;
        if (bucket.residual.defined()) {
            for (const std::size_t i : bucket.parameters) {
                if (places_[i].filled) continue;
                const Tensor rest = part(bucket.residual, i);
                waiting.emplace_back(i, rest.clone());
                rest.fill_(0);
            }
            bucket.flat.copy_(bucket.flat + bucket.residual);
        }
        bucket.sent = bucket.flat.to(bf16);
        // Of a gradient that is not finite nothing is left over.
        const Tensor rest = bucket.flat - bucket.sent.to(f32);
        bucket.residual = where(isfinite(rest), rest, zeros_like(rest));
        for (const auto& [i, left] : waiting) part(bucket.residual, i).copy_(left);
    }
    const Purpose purpose(purpose_ + rates_);
    std::optional<int> root;
    if (sums_on_owner()) root = sharding_.owner(bucket.parameters[0]);
    if (bucket.sent.dtype() != bucket.flat.dtype())
        bucket.work = group_.sum_rounded_async(bucket.sent, bucket.residual, root);
    else
        bucket.work = root ? group_.reduce_async(bucket.sent, *root) : group_.all_reduce_async(bucket.sent);
}

void Buckets::send_complete() {
    for (std::size_t i = 0; i < sent_; ++i)
        if (is_elsewhere(buckets_[i]) && buckets_[i].work->done()) buckets_[i].flat = buckets_[i].sent = {};
    while (sent_ < buckets_.size() &&
           buckets_[sent_].complete == static_cast<std::int64_t>(buckets_[sent_].parameters.size()))
        send(buckets_[sent_++]);
}

void Buckets::add(const Tensor& leaf) {
    const std::optional<std::size_t> parameter = sharding_.number_of(leaf);
    if (!parameter || !trainable_[*parameter]) return;
    const NoGrad guard;
    arrivals_.push_back(*parameter);
    fill(*parameter, leaf.grad());
    if (sums_on_owner()) leaf.set_grad({});
    ++buckets_[places_[*parameter].bucket].complete;
    send_complete();
}

void Buckets::take(Bucket& bucket) {
    bucket.work->wait();
    // What is left over of a flag is none.
    if (bucket.residual.defined())
        detached_view(bucket.residual, {std::ssize(bucket.parameters)}, {1}, bucket.numel).fill_(0);
    if (is_elsewhere(bucket)) {
        for (const std::size_t i : bucket.parameters) parameters_[i].set_grad({});
        bucket.flat = bucket.sent = {};
        return;
    }
    if (bucket.sent.dtype() != bucket.flat.dtype()) bucket.flat.copy_(bucket.sent);
    for (const std::size_t i : bucket.parameters) {
        // Whether another rank has reached it is read only where this one has not.
        const bool reached =
            places_[i].filled ||
            detached_view(bucket.flat, {}, {}, bucket.numel + places_[i].number).item<double>() > 0;
        if (!reached) continue;
        parameters_[i].set_grad(part(bucket.flat, i));
    }
    bucket.flat = bucket.sent = {};
}

void Buckets::finish() {
    const NoGrad guard;
    // What was there before the pass, or is not there at all.
    for (std::size_t i = 0; i < parameters_.size(); ++i)
        if (trainable_[i] && !places_[i].filled) fill(i, parameters_[i].grad());
    while (sent_ < buckets_.size()) send(buckets_[sent_++]);
    for (Bucket& bucket : buckets_) take(bucket);
    add_aside();
    for (std::size_t i = 0; i < parameters_.size(); ++i)
        if (const Tensor sum = parameters_[i].grad(); sum.defined()) Sums::note(sum);
    if (!std::exchange(learned_, true)) learn_order();
}

// That of rank 0: what came, then the others as they stood.
void Buckets::learn_order() {
    std::vector<std::int64_t> order;
    const auto append = [&](std::size_t i) {
        const auto number = static_cast<std::int64_t>(i);
        if (std::find(order.begin(), order.end(), number) == order.end()) order.push_back(number);
    };
    for (const std::size_t i : arrivals_) append(i);
    for (const std::size_t i : order_) append(i);
    const Tensor agreed = tensor(order, {static_cast<std::int64_t>(order.size())}, Device::cpu());
    const Purpose purpose("the order of gradients");
    group_.broadcast(agreed);
    const std::vector<std::int64_t> numbers = agreed.to_vector<std::int64_t>();
    std::transform(numbers.begin(), numbers.end(), order_.begin(),
                   [](std::int64_t i) { return static_cast<std::size_t>(i); });
    plan();
}

}  // namespace adjoint::distributed
