// Operations checked and handed to the thread that does the group's work.
#include <adjoint/distributed/group/group.h>

#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/memory/recorder.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/distributed/group/collectives.h>
#include <adjoint/distributed/group/group_state.h>

namespace adjoint::distributed {

namespace {

// A tensor where the engine can reach it, and the way back.
struct Staged {
    Tensor buffer;
    std::function<void()> back;
};

Staged staged(const Tensor& x, Device device) {
    const NoGrad guard;
    const Tensor plain = x.detach();
    if (plain.is_contiguous() && plain.device() == device)
        return {plain, [plain] { plain.impl().storage->bump(); }};
    const Tensor buffer = plain.clone().to(device);
    return {buffer, [plain, buffer] { plain.copy_(buffer.to(plain.device())); }};
}

Device device_of(const Engine* engine) { return engine ? engine->device() : Device::cpu(); }

// From where x travels: its own place if the engine reaches it there.
Device place_of(const Tensor& x, const Engine* engine) {
    return x.device().is_cpu() ? Device::cpu() : device_of(engine);
}

Agreement agreement_on(Operation operation, const Tensor& x, const Engine* engine) {
    Agreement agreement(operation, x);
    agreement.on_host = place_of(x, engine).is_cpu();
    return agreement;
}

void check_operand(const char* op, const Tensor& x, const Engine* engine) {
    check<ValueError>(x.defined(), "{}: the tensor is undefined", op);
    check<CaptureError>(recorder() == nullptr, "{}: other ranks are no part of a captured step", op);
    const Device device = device_of(engine);
    check<DeviceError>(device.is_cpu() || x.device() == device || x.device().is_cpu(),
                       "{}: a tensor on {}, the engine {} works on {}; move it with to()", op, x.device(),
                       engine ? engine->name() : "self", device);
}

void check_reduce(const char* op, const Tensor& x, ReduceOp reduce) {
    check<DTypeError>(reduce != ReduceOp::mean || is_floating(x.dtype()),
                      "{}: the mean of {}; only floating types have one", op, name(x.dtype()));
}

Shape scattered_shape(const char* op, const Tensor& x, int size) {
    check<ShapeError>(x.dim() >= 1 && x.shape()[0] % size == 0,
                      "{}: shape {} cannot be shared out over {} ranks along the first dimension", op,
                      x.shape(), size);
    Shape shape = x.shape();
    shape[0] /= size;
    return shape;
}

Shape gathered_shape(const Tensor& x, int size) {
    check<ShapeError>(x.dim() >= 1, "all_gather: a tensor without dimensions; reshape it to (1,)");
    Shape shape = x.shape();
    shape[0] = checked_mul(shape[0], size);
    return shape;
}

void check_out(const char* op, const Tensor& out, const Tensor& x, const Shape& shape) {
    check<ShapeError>(out.shape() == shape, "{}: an output of shape {}, expected {}", op, out.shape(), shape);
    check<DTypeError>(out.dtype() == x.dtype(), "{}: an output of {}, expected {}", op, name(out.dtype()),
                      name(x.dtype()));
    check<DeviceError>(out.device() == x.device(), "{}: an output on {}, expected one on {}", op,
                       out.device(), x.device());
}

void check_rank(const char* op, int rank, int size) {
    check<IndexError>(rank >= 0 && rank < size, "{}: rank {} of {}", op, rank, size);
}

bool is_shared(const Tensor& a, const Tensor& b) { return a.impl().storage == b.impl().storage; }

// `out` from a dense `x`, which may lie in the same memory; in a group of one it is a copy.
template <class Begin>
Work transformed(const char* op, const Tensor& out, const Tensor& x, const Shape& shape, const Engine* engine,
                 Begin&& begin) {
    check_operand(op, out, engine);
    check_out(op, out, x, shape);
    if (!engine || engine->size() == 1)
        return begin(Tensor(), Tensor(), [out, x] { out.detach().copy_(x.detach()); });
    const NoGrad guard;
    const Device device = place_of(x, engine);
    const Staged to = staged(out, device);
    const Tensor from = x.detach().contiguous().to(device);
    return begin(to.buffer, is_shared(from, to.buffer) ? from.clone() : from, to.back);
}

}  // namespace

Group::Group() : state_(std::make_shared<State>(GroupOptions{})) {}

Group::Group(std::shared_ptr<Engine> engine, const GroupOptions& options)
    : state_(std::make_shared<State>(options)) {
    check<ValueError>(options.timeout.count() > 0, "group: a time-out of {} ms, expected a positive one",
                      options.timeout.count());
    check<ValueError>(engine != nullptr, "group: no engine");
    state_->use.emplace(engine);
    state_->engine = std::move(engine);
    if (state_->engine->size() == 1) return;
    try {
        state_->wire = std::make_unique<Wire>(state_->engine, options.timeout);
    } catch (const std::exception& error) {
        state_->engine->announce(fmt::format("rank {}: {}", state_->engine->rank(), error.what()));
        throw;
    }
}

int Group::rank() const noexcept { return state_->engine ? state_->engine->rank() : 0; }
int Group::size() const noexcept { return state_->engine ? state_->engine->size() : 1; }
const char* Group::engine() const noexcept { return state_->engine ? state_->engine->name() : "self"; }
const GroupOptions& Group::options() const noexcept { return state_->options; }

void Group::barrier() const {
    check<CaptureError>(recorder() == nullptr, "barrier: other ranks are no part of a captured step");
    state_->begin([agreement = Agreement(Operation::barrier)](Wire& wire) { wire.agree(agreement); }, {})
        .wait();
}

Work Group::broadcast_async(const Tensor& x, int root) const {
    check_operand("broadcast", x, state_->engine.get());
    check_rank("broadcast", root, size());
    if (size() == 1) return state_->begin({}, {});
    Agreement agreement = agreement_on(Operation::broadcast, x, state_->engine.get());
    agreement.root = root;
    const Staged on = staged(x, place_of(x, state_->engine.get()));
    return state_->begin(
        [=, buffer = on.buffer](Wire& wire) {
            wire.agree(agreement);
            collectives::broadcast(wire, buffer, root);
        },
        rank() == root ? std::function<void()>() : on.back);
}

Work Group::all_reduce_async(const Tensor& x, ReduceOp op) const {
    check_operand("all_reduce", x, state_->engine.get());
    check_reduce("all_reduce", x, op);
    if (size() == 1) return state_->begin({}, {});
    Agreement agreement = agreement_on(Operation::all_reduce, x, state_->engine.get());
    agreement.reduce = op;
    // An engine of a device sums that device's tensors alone.
    agreement.by_engine = state_->options.summation == Summation::by_engine &&
                          (agreement.on_host == state_->engine->device().is_cpu());
    const Staged on = staged(x, place_of(x, state_->engine.get()));
    return state_->begin(
        [=, buffer = on.buffer](Wire& wire) {
            wire.agree(agreement);
            if (agreement.by_engine)
                collectives::all_reduce_by_engine(wire, buffer, op);
            else
                collectives::all_reduce(wire, buffer, op);
        },
        on.back);
}

Work Group::reduce_async(const Tensor& x, int root, ReduceOp op) const {
    check_operand("reduce", x, state_->engine.get());
    check_reduce("reduce", x, op);
    check_rank("reduce", root, size());
    if (size() == 1) return state_->begin({}, {});
    Agreement agreement = agreement_on(Operation::reduce, x, state_->engine.get());
    agreement.reduce = op;
    agreement.root = root;
    const Staged on = staged(x, place_of(x, state_->engine.get()));
    return state_->begin(
        [=, buffer = on.buffer](Wire& wire) {
            wire.agree(agreement);
            collectives::reduce(wire, buffer, op, root);
        },
        rank() == root ? on.back : std::function<void()>());
}

Work Group::sum_rounded_async(const Tensor& x, const Tensor& rest, std::optional<int> root) const {
    constexpr const char* op = "sum_rounded";
    const Engine* const engine = state_->engine.get();
    check_operand(op, x, engine);
    check_operand(op, rest, engine);
    check<DTypeError>(x.dtype() == bf16 || x.dtype() == DType::f16, "{}: a sum of {}, expected f16 or bf16",
                      op, name(x.dtype()));
    check<DTypeError>(rest.dtype() == f32, "{}: a rest of {}, expected f32", op, name(rest.dtype()));
    check<ShapeError>(rest.shape() == x.shape(), "{}: a rest of shape {}, expected {}", op, rest.shape(),
                      x.shape());
    check<DeviceError>(rest.device() == x.device(), "{}: a rest on {}, expected one on {}", op, rest.device(),
                       x.device());
    check<ValueError>(rest.is_contiguous(), "{}: a rest that is not dense", op);
    if (root) check_rank(op, *root, size());
    if (size() == 1) return state_->begin({}, {});
    Agreement agreement =
        agreement_on(root ? Operation::reduce : Operation::all_reduce, x, state_->engine.get());
    agreement.root = root.value_or(0);
    agreement.rounded = true;
    const Device place = place_of(x, engine);
    const Staged on = staged(x, place);
    const Tensor lost = place == rest.device() ? rest.detach() : zeros_like(rest).to(place);
    const bool wanted = !root || *root == rank();
    return state_->begin(
        [=, buffer = on.buffer](Wire& wire) {
            wire.agree(agreement);
            collectives::sum_rounded(wire, buffer, lost, root);
        },
        [=, back = on.back] {
            if (wanted) back();
            if (lost.device() != rest.device()) rest.detach() += lost.to(rest.device());
        });
}

Work Group::reduce_scatter_async(const Tensor& out, const Tensor& x, ReduceOp op) const {
    check_operand("reduce_scatter", x, state_->engine.get());
    check_reduce("reduce_scatter", x, op);
    Agreement agreement = agreement_on(Operation::reduce_scatter, x, state_->engine.get());
    agreement.reduce = op;
    return transformed("reduce_scatter", out, x, scattered_shape("reduce_scatter", x, size()),
                       state_->engine.get(),
                       [&](const Tensor& to, const Tensor& from, std::function<void()> back) {
                           return state_->begin(
                               [=](Wire& wire) {
                                   wire.agree(agreement);
                                   collectives::reduce_scatter(wire, to, from, op);
                               },
                               std::move(back));
                       });
}

Work Group::all_gather_async(const Tensor& out, const Tensor& x) const {
    check_operand("all_gather", x, state_->engine.get());
    const Agreement agreement = agreement_on(Operation::all_gather, x, state_->engine.get());
    return transformed("all_gather", out, x, gathered_shape(x, size()), state_->engine.get(),
                       [&](const Tensor& to, const Tensor& from, std::function<void()> back) {
                           return state_->begin(
                               [=](Wire& wire) {
                                   wire.agree(agreement);
                                   collectives::all_gather(wire, to, from);
                               },
                               std::move(back));
                       });
}

Work Group::all_to_all_async(const Tensor& out, const Tensor& x) const {
    check_operand("all_to_all", x, state_->engine.get());
    scattered_shape("all_to_all", x, size());
    const Agreement agreement = agreement_on(Operation::all_to_all, x, state_->engine.get());
    return transformed("all_to_all", out, x, x.shape(), state_->engine.get(),
                       [&](const Tensor& to, const Tensor& from, std::function<void()> back) {
                           return state_->begin(
                               [=](Wire& wire) {
                                   wire.agree(agreement);
                                   collectives::all_to_all(wire, to, from);
                               },
                               std::move(back));
                       });
}

void Group::send(const Tensor& x, int to) const {
    check_operand("send", x, state_->engine.get());
    check_rank("send", to, size());
    check<ValueError>(to != rank(), "send: rank {} to itself", to);
    const NoGrad guard;
    const Tensor here = x.detach().contiguous().to(Device::cpu());
    const auto* const first = static_cast<const char*>(here.impl().data);
    const std::size_t count = static_cast<std::size_t>(here.numel()) * size_of(here.dtype());
    state_->send(Agreement(Operation::message, x), std::vector<char>(first, first + count), to);
}

Work Group::recv_async(const Tensor& x, int from) const {
    check_operand("recv", x, state_->engine.get());
    check_rank("recv", from, size());
    check<ValueError>(from != rank(), "recv: rank {} from itself", from);
    const Agreement agreement(Operation::message, x);
    const Staged on = staged(x, Device::cpu());
    return state_->begin(
        [=, buffer = on.buffer](Wire& wire) {
            wire.take(agreement, buffer.impl().data,
                      static_cast<std::size_t>(buffer.numel()) * size_of(buffer.dtype()), from);
        },
        on.back);
}

Tensor Group::reduce_scatter(const Tensor& x, ReduceOp op) const {
    check_operand("reduce_scatter", x, state_->engine.get());
    const Tensor out =
        empty(scattered_shape("reduce_scatter", x, size()), {.dtype = x.dtype(), .device = x.device()});
    reduce_scatter_async(out, x, op).wait();
    return out;
}

Tensor Group::all_gather(const Tensor& x) const {
    check_operand("all_gather", x, state_->engine.get());
    const Tensor out = empty(gathered_shape(x, size()), {.dtype = x.dtype(), .device = x.device()});
    all_gather_async(out, x).wait();
    return out;
}

Tensor Group::all_to_all(const Tensor& x) const {
    check_operand("all_to_all", x, state_->engine.get());
    const Tensor out = empty(x.shape(), {.dtype = x.dtype(), .device = x.device()});
    all_to_all_async(out, x).wait();
    return out;
}

}  // namespace adjoint::distributed
