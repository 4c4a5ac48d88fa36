// Captures on the CPU: a backend in front of the real one that carries every call out and notes it down.
#include <adjoint/core/recorder.h>

#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

#include <adjoint/core/cpu/cpu_backend.h>
#include <adjoint/core/format.h>

namespace adjoint::cpu {
namespace {

// The memory of a recording: a block that a tensor of the step gives back goes to a later one of the step, in
// the replays as in the recorded run, and to nobody else.
class Arena {
  public:
    Arena() = default;
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena() {
        for (const auto& [bytes, blocks] : free_)
            for (void* block : blocks) host_release(block, bytes);
    }
    static Ref<Storage> allocate(const std::shared_ptr<Arena>& arena, std::size_t bytes) {
        std::vector<void*>& blocks = arena->free_[bytes];
        void* block = nullptr;
        if (blocks.empty()) {
            block = host_allocate(bytes);
        } else {
            block = blocks.back();
            blocks.pop_back();
        }
        return Storage::borrow(block, bytes, Device::cpu(),
                               [arena, block, bytes] { arena->free_[bytes].push_back(block); });
    }

  private:
    std::unordered_map<std::size_t, std::vector<void*>> free_;
};

// A generator state as it was during the recording, seen from where the generator stood at its start.
class StreamPlace {
  public:
    StreamPlace(GeneratorState state, GeneratorState start)
        : state_(state),
          start_(start.stream),
          follows_(state.seed == start.seed && state.stream >= start.stream) {}
    // The same place for a replay that starts at `now`; a generator of the user's own stays where it was.
    GeneratorState at(GeneratorState now) const {
        return follows_ ? GeneratorState{now.seed, now.stream + (state_.stream - start_)} : state_;
    }

  private:
    GeneratorState state_;
    std::uint64_t start_;
    bool follows_;
};

using Call = std::function<void(CpuBackend& cpu, GeneratorState now)>;

class CpuRecording final : public Captured::Recording {
  public:
    void replay(std::int64_t times) override {
        auto& cpu = static_cast<CpuBackend&>(cpu_backend());
        check_not_capturing("replay");
        for (; times > 0; --times) {
            const GeneratorState now = generator_state();
            set_generator_state({now.seed, now.stream + streams});
            for (const Call& call : list) call(cpu, now);
        }
    }
    std::size_t calls() const override { return list.size(); }

    std::vector<Call> list;
    std::uint64_t streams = 0;  // that one run takes
    std::shared_ptr<Arena> arena = std::make_shared<Arena>();
    std::vector<Ref<Storage>> kept;
};

class CpuRecorder final : public Recorder {
  public:
    CpuRecorder(CpuBackend& cpu, CpuRecording& recording) : cpu_(cpu), recording_(recording) {}

    Device device() const override { return Device::cpu(); }
    Ref<Storage> allocate_storage(std::size_t bytes) override {
        return Arena::allocate(recording_.arena, bytes);
    }
    void keep(Storage* storage) override { recording_.kept.push_back(Ref<Storage>::adopt(storage)); }
    void update_from(std::function<UpdateOp()> source) override { update_source_ = std::move(source); }
    void finish() { recording_.streams = generator_state().stream - start_.stream; }

    void* allocate(std::size_t bytes) override { return cpu_.allocate(bytes); }
    void release(void* memory, std::size_t bytes) noexcept override { cpu_.release(memory, bytes); }
    void synchronize() override { check_not_capturing("synchronize"); }
    void copy_to_host(void*, const void*, std::size_t) override {
        check_not_capturing("item() or a copy to the host");
    }
    // A constant of the step.
    void copy_from_host(void* destination, const void* source, std::size_t bytes) override {
        const char* first = static_cast<const char*>(source);
        note([destination, values = std::vector<char>(first, first + bytes)](CpuBackend&, GeneratorState) {
            if (!values.empty()) std::memcpy(destination, values.data(), values.size());
        });
    }

    void fill(const Loop<2>& out, double value) override { run<&CpuBackend::fill>(out, value); }
    void map(const UnaryOp& op, const Loop<2>& loop) override { run<&CpuBackend::map>(op, loop); }
    void zip(const BinaryOp& op, const Loop<3>& loop) override { run<&CpuBackend::zip>(op, loop); }
    void select(const Loop<4>& loop) override { run<&CpuBackend::select>(loop); }
    void reduce(const ReduceOp& op, const ReductionLoop& loop) override {
        run<&CpuBackend::reduce>(op, loop);
    }
    void arg_reduce(bool largest, const ReductionLoop& loop) override {
        run<&CpuBackend::arg_reduce>(largest, loop);
    }
    void matmul(const MatMul& product) override { run<&CpuBackend::matmul>(product); }
    void gather(const Indexing& along, const Loop<3>& loop) override {
        run<&CpuBackend::gather>(along, loop);
    }
    void scatter(const Indexing& along, bool add, const Loop<3>& loop) override {
        run<&CpuBackend::scatter>(along, add, loop);
    }
    void random(const RandomOp& op, const Operand& out, std::int64_t numel, GeneratorState state) override {
        note([=, place = StreamPlace(state, start_)](CpuBackend& cpu, GeneratorState now) {
            cpu.random(op, out, numel, place.at(now));
        });
    }
    void dropout(const Operand& out, const Operand& x, std::int64_t numel, double p,
                 GeneratorState state) override {
        note([=, place = StreamPlace(state, start_)](CpuBackend& cpu, GeneratorState now) {
            cpu.dropout(out, x, numel, p, place.at(now));
        });
    }
    void update(const UpdateOp& op, std::span<const UpdateSlice> slices) override {
        cpu_.update(op, slices);
        const std::function<UpdateOp()> source =
            update_source_ ? std::exchange(update_source_, nullptr) : [op] { return op; };
        recording_.list.emplace_back([source, parts = std::vector<UpdateSlice>(slices.begin(), slices.end())](
                                         CpuBackend& cpu, GeneratorState) { cpu.update(source(), parts); });
    }
    void softmax(const Rows& rows, bool log, void* out, const void* x) override {
        run<&CpuBackend::softmax>(rows, log, out, x);
    }
    void softmax_backward(const Rows& rows, bool log, void* dx, const void* g, const void* y) override {
        run<&CpuBackend::softmax_backward>(rows, log, dx, g, y);
    }
    void cross_entropy(const Rows& rows, const CrossEntropy& loss) override {
        run<&CpuBackend::cross_entropy>(rows, loss);
    }
    void batch_norm(const BatchNorm& norm, bool training, void* y) override {
        run<&CpuBackend::batch_norm>(norm, training, y);
    }
    void batch_norm_backward(const BatchNorm& norm, const void* g, void* dx, void* dweight,
                             void* dbias) override {
        run<&CpuBackend::batch_norm_backward>(norm, g, dx, dweight, dbias);
    }
    void normalize_rows(const Rows& rows, double eps, void* y, void* inverse_std, const void* x) override {
        run<&CpuBackend::normalize_rows>(rows, eps, y, inverse_std, x);
    }
    void normalize_rows_backward(const Rows& rows, void* dx, const void* g, const void* y,
                                 const void* inverse_std) override {
        run<&CpuBackend::normalize_rows_backward>(rows, dx, g, y, inverse_std);
    }
    void scan(const ReduceOp& op, const Lines& lines, bool reverse, void* out, const void* x) override {
        run<&CpuBackend::scan>(op, lines, reverse, out, x);
    }
    void sort(const Rows& rows, bool descending, void* values, std::int64_t* indices,
              const void* x) override {
        run<&CpuBackend::sort>(rows, descending, values, indices, x);
    }
    void unfold(const Windows& windows, void* columns, const void* x) override {
        run<&CpuBackend::unfold>(windows, columns, x);
    }
    void fold(const Windows& windows, void* x, const void* columns) override {
        run<&CpuBackend::fold>(windows, x, columns);
    }
    void max_pool(const Windows& windows, void* y, std::int64_t* indices, const void* x) override {
        run<&CpuBackend::max_pool>(windows, y, indices, x);
    }
    void max_pool_backward(const Windows& windows, void* dx, const void* g,
                           const std::int64_t* indices) override {
        run<&CpuBackend::max_pool_backward>(windows, dx, g, indices);
    }
    void avg_pool(const Windows& windows, const Average& average, void* y, const void* x) override {
        run<&CpuBackend::avg_pool>(windows, average, y, x);
    }
    void avg_pool_backward(const Windows& windows, const Average& average, void* dx, const void* g) override {
        run<&CpuBackend::avg_pool_backward>(windows, average, dx, g);
    }
    void convolution(const Convolution& c, void* y, const void* x, const void* w, const void* bias) override {
        run<&CpuBackend::convolution>(c, y, x, w, bias);
    }
    void convolution_input(const Convolution& c, void* dx, const void* g, const void* w) override {
        run<&CpuBackend::convolution_input>(c, dx, g, w);
    }
    void convolution_weight(const Convolution& c, void* dw, const void* x, const void* g) override {
        run<&CpuBackend::convolution_weight>(c, dw, x, g);
    }

  private:
    void note(Call call) {
        call(cpu_, start_);
        recording_.list.push_back(std::move(call));
    }
    template <auto method, class... Args> void run(const Args&... args) {
        note([=](CpuBackend& cpu, GeneratorState) { (cpu.*method)(args...); });
    }

    CpuBackend& cpu_;
    CpuRecording& recording_;
    const GeneratorState start_ = generator_state();
    std::function<UpdateOp()> update_source_;
};

}  // namespace

std::shared_ptr<Captured::Recording> CpuBackend::record(const std::function<void()>& step) {
    auto recording = std::make_shared<CpuRecording>();
    CpuRecorder recorder(*this, *recording);
    const RecorderScope scope(recorder);
    step();
    recorder.finish();
    return recording;
}

}  // namespace adjoint::cpu
