// Recurrent layers through cuDNN's descriptors, kept by geometry.
#include <adjoint/cuda/libraries/dnn_recurrent.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <mutex>
#include <vector>

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

// The descriptors of one geometry, the sizes of its memory and the places of its weights.
class RecurrencePlan {
  public:
    RecurrencePlan(DeviceState& device, cudnnHandle_t handle, const Recurrence& r) : dnn_(cudnn().table) {
        usable_ = describe(handle, r) && measure(handle) && place(device, handle, r);
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
        return std::ranges::all_of(steps,
                                   [](cudnnStatus_t status) { return status == CUDNN_STATUS_SUCCESS; });
    }

    bool measure(cudnnHandle_t handle) {
        std::size_t none = 0;
        return dnn_.cudnnGetRNNWeightSpaceSize(handle, rnn, &weights) == CUDNN_STATUS_SUCCESS &&
               dnn_.cudnnGetRNNTempSpaceSizes(handle, rnn, CUDNN_FWD_MODE_TRAINING, x, &training_workspace,
                                              &reserve) == CUDNN_STATUS_SUCCESS &&
               dnn_.cudnnGetRNNTempSpaceSizes(handle, rnn, CUDNN_FWD_MODE_INFERENCE, x, &inference_workspace,
                                              &none) == CUDNN_STATUS_SUCCESS;
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
                if (dnn_.cudnnGetRNNWeightParams(handle, rnn, 0, weights, memory.as<void>(), id, matrix_,
                                                 &matrix, bias_, &bias) != CUDNN_STATUS_SUCCESS)
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

    RecurrencePlan& plan(DeviceState& device, cudnnHandle_t handle, const Recurrence& r) {
        std::unique_ptr<RecurrencePlan>& place = plans[key_of(r)];
        if (!place) place = std::make_unique<RecurrencePlan>(device, handle, r);
        return *place;
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
    const cudnnHandle_t handle = implementation_->handles.on(device, "recurrence");
    const RecurrencePlan& plan = implementation_->plan(device, handle, r);
    return plan.usable() ? std::optional(plan.reserve) : std::nullopt;
}

void Recurrences::forward(DeviceState& device, const Recurrence& r, const RecurrentPass& pass) {
    constexpr auto op = "recurrence";
    const std::scoped_lock lock(implementation_->mutex);
    const cudnnHandle_t handle = implementation_->handles.on(device, op);
    const RecurrencePlan& plan = implementation_->plan(device, handle, r);
    const bool training = pass.reserve != nullptr;
    const std::size_t bytes = training ? plan.training_workspace : plan.inference_workspace;
    const Scratch weights(device, plan.weights), workspace(device, bytes);
    Implementation::gather(device, plan, pass, weights.as<char>());
    check_dnn(cudnn().table.cudnnRNNForward(
                  handle, plan.rnn, training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE, nullptr,
                  plan.x, pass.x, plan.y, pass.y, plan.state, pass.h_0, pass.h_n, plan.state, pass.c_0,
                  pass.c_n, plan.weights, weights.as<void>(), bytes, workspace.as<void>(),
                  training ? plan.reserve : 0, pass.reserve),
              op);
    check_launch(device, op);
}

void Recurrences::backward(DeviceState& device, const Recurrence& r, const RecurrentPass& pass,
                           const RecurrentGradients& gradients) {
    constexpr auto op = "recurrence_backward";
    const std::scoped_lock lock(implementation_->mutex);
    const cudnnHandle_t handle = implementation_->handles.on(device, op);
    const RecurrencePlan& plan = implementation_->plan(device, handle, r);
    const Cudnn& dnn = cudnn().table;
    const Scratch weights(device, plan.weights), workspace(device, plan.training_workspace),
        reserve(device, plan.reserve), sums(device, plan.weights);
    Implementation::gather(device, plan, pass, weights.as<char>());
    // cuDNN writes into what the forward pass left; another backward pass wants it as it was.
    copy_on_device(device, reserve.as<void>(), pass.reserve, plan.reserve);
    check_dnn(dnn.cudnnRNNBackwardData_v8(handle, plan.rnn, nullptr, plan.y, pass.y, gradients.y, plan.x,
                                          gradients.x, plan.state, pass.h_0, gradients.h_n, gradients.h_0,
                                          plan.state, pass.c_0, gradients.c_n, gradients.c_0, plan.weights,
                                          weights.as<void>(), plan.training_workspace, workspace.as<void>(),
                                          plan.reserve, reserve.as<void>()),
              op);
    // It only adds.
    clear(device, sums.as<void>(), plan.weights);
    check_dnn(dnn.cudnnRNNBackwardWeights_v8(handle, plan.rnn, CUDNN_WGRAD_MODE_ADD, nullptr, plan.x, pass.x,
                                             plan.state, pass.h_0, plan.y, pass.y, plan.weights,
                                             sums.as<void>(), plan.training_workspace, workspace.as<void>(),
                                             plan.reserve, reserve.as<void>()),
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
