// Recurrent layers through cuDNN's descriptors, kept by geometry.
#include <adjoint/cuda/libraries/dnn_recurrent.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <map>
#include <mutex>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/cuda/libraries/dnn_handle.h>

namespace adjoint::cuda_backend {
namespace {

// Everything that decides how a layer is done.
using RecurrenceKey = std::array<std::int64_t, 8>;

RecurrenceKey key_of(const Recurrence& r) {
    return {static_cast<std::int64_t>(r.kind),
            r.steps,
            r.batch,
            r.inputs,
            r.hidden,
            r.bias,
            static_cast<std::int64_t>(r.dtype),
            static_cast<std::int64_t>(r.precision)};
}

// cuDNN counts in int, and takes nothing that is empty.
bool fits(const Recurrence& r) {
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    if (std::min({r.steps, r.batch, r.inputs, r.hidden}) < 1) return false;
    const std::int64_t widest = r.gates() * std::max(r.inputs, r.hidden);
    return r.steps <= most && r.batch <= most / r.steps && widest <= most / (r.steps * r.batch) &&
           widest <= most / r.hidden;
}

cudnnRNNMode_t mode_of(RecurrentKind kind) {
    switch (kind) {
        case RecurrentKind::lstm:
            return CUDNN_LSTM;
        case RecurrentKind::gru:
            return CUDNN_GRU;
        case RecurrentKind::rnn_relu:
            return CUDNN_RNN_RELU;
        default:
            return CUDNN_RNN_TANH;
    }
}

// Rows of one of our weights and where they stand in cuDNN's memory for all of them.
struct Piece {
    enum Weight { w_ih, w_hh, b_ih, b_hh };
    int weight;
    std::size_t ours, theirs, bytes;
};

std::size_t input_bytes(const Recurrence& r) {
    return static_cast<std::size_t>(r.steps * r.batch * r.inputs) * size_of(r.dtype);
}

// The descriptors of one geometry, the sizes of its memory and the places of its weights.
class RecurrencePlan {
  public:
    RecurrencePlan(DeviceState& device, cudnnHandle_t handle, const Recurrence& r) : dnn_(cudnn().table) {
        usable_ =
            describe(handle, r) && measure(handle) && place(device, handle, r) && try_out(device, handle, r);
        // Its weights lie where they cannot be found.
        if (!usable_ && refusal_ == CUDNN_STATUS_SUCCESS) refusal_ = CUDNN_STATUS_NOT_SUPPORTED;
    }
    RecurrencePlan(const RecurrencePlan&) = delete;
    RecurrencePlan& operator=(const RecurrencePlan&) = delete;
    ~RecurrencePlan() {
        if (rnn) dnn_.cudnnDestroyRNNDescriptor(rnn);
        if (x) dnn_.cudnnDestroyRNNDataDescriptor(x);
        if (y) dnn_.cudnnDestroyRNNDataDescriptor(y);
        if (dropout_) dnn_.cudnnDestroyDropoutDescriptor(dropout_);
        for (const cudnnTensorDescriptor_t one : {state, matrix_, bias_})
            if (one) dnn_.cudnnDestroyTensorDescriptor(one);
    }

    bool usable() const noexcept { return usable_; }
    /// What cuDNN answered where the plan is of no use.
    cudnnStatus_t refusal() const noexcept { return refusal_; }

    cudnnStatus_t forward(cudnnHandle_t handle, const RecurrentPass& pass, void* all_weights,
                          void* workspace) const {
        const bool training = pass.reserve != nullptr;
        return dnn_.cudnnRNNForward(handle, rnn,
                                    training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE, nullptr, x,
                                    pass.x, y, pass.y, state, pass.h_0, pass.h_n, state, pass.c_0, pass.c_n,
                                    weights, all_weights, training ? training_workspace : inference_workspace,
                                    workspace, training ? reserve : 0, pass.reserve);
    }
    /// What the forward pass kept lies at `kept`, which is spoiled.
    cudnnStatus_t backward(cudnnHandle_t handle, const RecurrentPass& pass, const RecurrentGradients& to,
                           void* all_weights, void* workspace, void* kept) const {
        return dnn_.cudnnRNNBackwardData_v8(handle, rnn, nullptr, y, pass.y, to.y, x, to.x, state, pass.h_0,
                                            to.h_n, to.h_0, state, pass.c_0, to.c_n, to.c_0, weights,
                                            all_weights, training_workspace, workspace, reserve, kept);
    }
    /// Adds the gradients of all weights to `sums`; after `backward`.
    cudnnStatus_t add_gradients(cudnnHandle_t handle, const RecurrentPass& pass, void* sums, void* workspace,
                                void* kept) const {
        return dnn_.cudnnRNNBackwardWeights_v8(handle, rnn, CUDNN_WGRAD_MODE_ADD, nullptr, x, pass.x, state,
                                               pass.h_0, y, pass.y, weights, sums, training_workspace,
                                               workspace, reserve, kept);
    }

    cudnnRNNDescriptor_t rnn = nullptr;
    cudnnRNNDataDescriptor_t x = nullptr, y = nullptr;
    cudnnTensorDescriptor_t state = nullptr;
    std::size_t weights = 0, reserve = 0, training_workspace = 0, inference_workspace = 0;
    std::vector<Piece> pieces;

  private:
    bool describe(cudnnHandle_t handle, const Recurrence& r) {
        const auto number = [](std::int64_t value) { return static_cast<int>(value); };
        const cudnnDataType_t type = data_type(r.dtype);
        const std::vector<int> lengths(static_cast<std::size_t>(r.batch), number(r.steps));
        const int sizes[3] = {1, number(r.batch), number(r.hidden)};
        const int strides[3] = {sizes[1] * sizes[2], sizes[2], 1};
        // Packed and unpacked are one where all sequences are of a length.
        constexpr cudnnRNNDataLayout_t layout = CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
        const cudnnStatus_t steps[] = {
            dnn_.cudnnCreateRNNDescriptor(&rnn),
            dnn_.cudnnCreateRNNDataDescriptor(&x),
            dnn_.cudnnCreateRNNDataDescriptor(&y),
            dnn_.cudnnCreateTensorDescriptor(&state),
            dnn_.cudnnCreateTensorDescriptor(&matrix_),
            dnn_.cudnnCreateTensorDescriptor(&bias_),
            dnn_.cudnnCreateDropoutDescriptor(&dropout_),
            // None; without it no random states are needed.
            dnn_.cudnnSetDropoutDescriptor(dropout_, handle, 0, nullptr, 0, 0),
            dnn_.cudnnSetRNNDescriptor_v8(rnn, CUDNN_RNN_ALGO_STANDARD, mode_of(r.kind),
                                          r.bias ? CUDNN_RNN_DOUBLE_BIAS : CUDNN_RNN_NO_BIAS,
                                          CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT, type, type,
                                          math_type(r.dtype, r.precision), number(r.inputs), number(r.hidden),
                                          number(r.hidden), 1, dropout_, CUDNN_RNN_PADDED_IO_DISABLED),
            dnn_.cudnnSetRNNDataDescriptor(x, type, layout, number(r.steps), number(r.batch),
                                           number(r.inputs), lengths.data(), nullptr),
            dnn_.cudnnSetRNNDataDescriptor(y, type, layout, number(r.steps), number(r.batch),
                                           number(r.hidden), lengths.data(), nullptr),
            dnn_.cudnnSetTensorNdDescriptor(state, type, 3, sizes, strides),
        };
        return std::ranges::all_of(steps, [this](cudnnStatus_t status) { return good(status); });
    }

    // Notes the first answer that is not success.
    bool good(cudnnStatus_t status) {
        if (refusal_ == CUDNN_STATUS_SUCCESS) refusal_ = status;
        return status == CUDNN_STATUS_SUCCESS;
    }

    bool measure(cudnnHandle_t handle) {
        std::size_t none = 0;
        return good(dnn_.cudnnGetRNNWeightSpaceSize(handle, rnn, &weights)) &&
               good(dnn_.cudnnGetRNNTempSpaceSizes(handle, rnn, CUDNN_FWD_MODE_TRAINING, x,
                                                   &training_workspace, &reserve)) &&
               good(dnn_.cudnnGetRNNTempSpaceSizes(handle, rnn, CUDNN_FWD_MODE_INFERENCE, x,
                                                   &inference_workspace, &none));
    }

    // Gates stand in our order: i f g o, or r z n with the bias of the state inside the reset.
    bool place(DeviceState& device, cudnnHandle_t handle, const Recurrence& r) {
        const Scratch memory(device, weights);  // addresses are asked for, nothing is read
        const auto gates = static_cast<std::size_t>(r.gates()), rows = static_cast<std::size_t>(r.hidden);
        const std::size_t row[2] = {static_cast<std::size_t>(r.inputs) * size_of(r.dtype),
                                    rows * size_of(r.dtype)};
        for (int side = 0; side < 2; ++side)
            for (std::size_t gate = 0; gate < gates; ++gate) {
                void *matrix = nullptr, *bias = nullptr;
                const auto id = static_cast<std::int32_t>(static_cast<std::size_t>(side) * gates + gate);
                if (!good(dnn_.cudnnGetRNNWeightParams(handle, rnn, 0, weights, memory.as<void>(), id,
                                                       matrix_, &matrix, bias_, &bias)))
                    return false;
                const std::size_t matrix_bytes = rows * row[side], bias_bytes = rows * size_of(r.dtype);
                const char* start = memory.as<char>();
                if (!add({side == 0 ? Piece::w_ih : Piece::w_hh, gate * matrix_bytes, 0, matrix_bytes}, start,
                         matrix))
                    return false;
                if (r.bias && !add({side == 0 ? Piece::b_ih : Piece::b_hh, gate * bias_bytes, 0, bias_bytes},
                                   start, bias))
                    return false;
            }
        join();
        return true;
    }

    // A pass there and back over zeros: what cuDNN refuses only when it runs has to be known before.
    bool try_out(DeviceState& device, cudnnHandle_t handle, const Recurrence& r) {
        const auto element = size_of(r.dtype);
        const std::size_t in = input_bytes(r),
                          out = static_cast<std::size_t>(r.steps * r.batch * r.hidden) * element,
                          one = static_cast<std::size_t>(r.batch * r.hidden) * element;
        std::vector<std::size_t> places;
        std::size_t bytes = 0;
        for (const std::size_t part : {in, in, out, out, one, one, one, one, one, one, one, one, reserve,
                                       training_workspace, weights, weights}) {
            places.push_back(bytes);
            bytes += (part + 255) / 256 * 256;
        }
        const Scratch memory(device, bytes);
        clear(device, memory.as<void>(), bytes);
        const auto at = [&](std::size_t i) -> void* { return memory.as<char>() + places[i]; };
        const auto cell = [&](std::size_t i) { return r.has_cell() ? at(i) : nullptr; };
        RecurrentPass pass;
        pass.x = at(0), pass.y = at(2), pass.h_0 = at(4), pass.h_n = at(5);
        pass.c_0 = cell(6), pass.c_n = cell(7), pass.reserve = at(12);
        RecurrentGradients to;
        to.x = at(1), to.y = at(3), to.h_0 = at(8), to.h_n = at(9), to.c_0 = cell(10), to.c_n = cell(11);
        return good(forward(handle, pass, at(14), at(13))) &&
               good(backward(handle, pass, to, at(14), at(13), at(12))) &&
               good(add_gradients(handle, pass, at(15), at(13), at(12)));
    }

    // False for a place that is not in the weights' memory.
    bool add(Piece piece, const char* start, const void* place) {
        const auto offset = static_cast<const char*>(place) - start;
        if (!place || offset < 0) return false;
        piece.theirs = static_cast<std::size_t>(offset);
        pieces.push_back(piece);
        return piece.bytes <= weights && piece.theirs <= weights - piece.bytes;
    }

    // Neighbours on both sides become one copy.
    void join() {
        std::ranges::sort(pieces, {}, [](const Piece& p) { return std::pair(p.weight, p.ours); });
        std::vector<Piece> joined;
        for (const Piece& piece : pieces)
            if (!joined.empty() && joined.back().weight == piece.weight &&
                joined.back().theirs + joined.back().bytes == piece.theirs)
                joined.back().bytes += piece.bytes;
            else
                joined.push_back(piece);
        pieces = std::move(joined);
    }

    const Cudnn& dnn_;
    cudnnDropoutDescriptor_t dropout_ = nullptr;
    cudnnTensorDescriptor_t matrix_ = nullptr, bias_ = nullptr;
    cudnnStatus_t refusal_ = CUDNN_STATUS_SUCCESS;
    bool usable_ = false;
};

// Our weights, or their gradients, one by one.
template <class P> P* part(const Piece& piece, P* w_ih, P* w_hh, P* b_ih, P* b_hh) {
    P* const all[4] = {w_ih, w_hh, b_ih, b_hh};
    return all[piece.weight];
}

}  // namespace

struct Recurrences::Implementation {
    std::mutex mutex;
    DnnHandle handles;
    std::map<RecurrenceKey, std::unique_ptr<RecurrencePlan>> plans;

    // Null where cuDNN does not take the layer.
    const RecurrencePlan* plan_for(DeviceState& device, const Recurrence& r) {
        const auto found = plans.find(key_of(r));
        if (found != plans.end()) return found->second->usable() ? found->second.get() : nullptr;
        const cudnnHandle_t handle = handle_on(device);
        if (!handle) return refused(handles.refusal());
        auto plan = std::make_unique<RecurrencePlan>(device, handle, r);
        if (plan->usable()) return plans.emplace(key_of(r), std::move(plan)).first->second.get();
        const cudnnStatus_t refusal = plan->refusal();
        if (is_final(refusal)) plans.emplace(key_of(r), std::move(plan));
        return refused(refusal);
    }

    // The products inside have the same bits in every run where cuBLAS is told so before the handle is made.
    cudnnHandle_t handle_on(const DeviceState& device) {
        static const int told = setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
        static_cast<void>(told);
        return handles.on(device);
    }

    static const RecurrencePlan* refused(cudnnStatus_t status) {
        tell_refusal("recurrent layer", status, "what it does not do goes step by step");
        return nullptr;
    }

    // The plan of a layer that reserve() has promised.
    const RecurrencePlan& promised(const Recurrence& r, const char* op) {
        const auto found = plans.find(key_of(r));
        check<CudaError>(found != plans.end() && found->second->usable(), "{}: cuDNN was not asked for it",
                         op);
        return *found->second;
    }

    // cuDNN keeps all weights in one piece of memory.
    static void gather(DeviceState& device, const RecurrencePlan& plan, const RecurrentPass& pass,
                       char* weights) {
        for (const Piece& p : plan.pieces)
            copy_on_device(
                device, weights + p.theirs,
                static_cast<const char*>(part(p, pass.w_ih, pass.w_hh, pass.b_ih, pass.b_hh)) + p.ours,
                p.bytes);
    }
};

Recurrences::Recurrences() : implementation_(std::make_unique<Implementation>()) {}
Recurrences::~Recurrences() = default;

std::optional<std::size_t> Recurrences::reserve(DeviceState& device, const Recurrence& r) {
    // Versions before 8.9.1 want the lengths of the sequences on the device as well.
    const Library<Cudnn>& library = cudnn();
    if (!library.usable() || library.table.cudnnGetVersion() < 8901 || !fits(r)) return std::nullopt;
    const std::scoped_lock lock(implementation_->mutex);
    const RecurrencePlan* const plan = implementation_->plan_for(device, r);
    return plan ? std::optional(plan->reserve) : std::nullopt;
}

void Recurrences::forward(DeviceState& device, const Recurrence& r, const RecurrentPass& pass) {
    constexpr auto op = "recurrence";
    const std::scoped_lock lock(implementation_->mutex);
    const RecurrencePlan& plan = implementation_->promised(r, op);
    const cudnnHandle_t handle = implementation_->handle_on(device);
    check_dnn(implementation_->handles.refusal(), op);
    const std::size_t bytes = pass.reserve ? plan.training_workspace : plan.inference_workspace;
    const Scratch weights(device, plan.weights), workspace(device, bytes);
    Implementation::gather(device, plan, pass, weights.as<char>());
    check_dnn(plan.forward(handle, pass, weights.as<void>(), workspace.as<void>()), op);
    check_launch(device, op);
}

void Recurrences::backward(DeviceState& device, const Recurrence& r, const RecurrentPass& pass,
                           const RecurrentGradients& gradients) {
    constexpr auto op = "recurrence_backward";
    const std::scoped_lock lock(implementation_->mutex);
    const RecurrencePlan& plan = implementation_->promised(r, op);
    const cudnnHandle_t handle = implementation_->handle_on(device);
    check_dnn(implementation_->handles.refusal(), op);
    const Scratch weights(device, plan.weights), workspace(device, plan.training_workspace),
        reserve(device, plan.reserve), sums(device, plan.weights);
    Implementation::gather(device, plan, pass, weights.as<char>());
    // cuDNN makes the gradient of x in any case.
    RecurrentGradients to = gradients;
    const Scratch of_x(device, to.x ? 0 : input_bytes(r));
    if (!to.x) to.x = of_x.as<void>();
    // cuDNN writes into what the forward pass left; another backward pass wants it as it was.
    copy_on_device(device, reserve.as<void>(), pass.reserve, plan.reserve);
    check_dnn(plan.backward(handle, pass, to, weights.as<void>(), workspace.as<void>(), reserve.as<void>()),
              op);
    // It only adds.
    clear(device, sums.as<void>(), plan.weights);
    check_dnn(plan.add_gradients(handle, pass, sums.as<void>(), workspace.as<void>(), reserve.as<void>()),
              op);
    for (const Piece& p : plan.pieces)
        copy_on_device(
            device,
            static_cast<char*>(part(p, gradients.w_ih, gradients.w_hh, gradients.b_ih, gradients.b_hh)) +
                p.ours,
            sums.as<char>() + p.theirs, p.bytes);
    check_launch(device, op);
}

}  // namespace adjoint::cuda_backend
