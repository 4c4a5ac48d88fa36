// Captures: a backend in front of the real one that carries every call out and notes it down.
#include <adjoint/core/capture/recorded_step.h>

#include <unordered_set>
#include <utility>

#include <adjoint/core/base/format.h>

namespace adjoint {

class StepRecorder final : public Recorder {
  public:
    StepRecorder(RecordedStep& step, Backend& backend, Device device)
        : step_(step), backend_(backend), device_(device), start_(generator_state()) {
        detail::recorder = this;
    }
    ~StepRecorder() override { detail::recorder = nullptr; }

    Device device() const override { return device_; }
    Ref<Storage> allocate_storage(std::size_t bytes) override {
        Ref<Storage> storage = step_.allocate(bytes);
        own_.insert(storage.get());
        return storage;
    }
    bool keep(Storage* storage) override {
        if (own_.erase(storage) > 0 || storage->device() != device_) return false;
        step_.kept_.push_back(Ref<Storage>::adopt(storage));
        return true;
    }
    void update_from(std::function<UpdateOp()> source) override { update_source_ = std::move(source); }
    void finish() {
        step_.calls_ = step_.list_.size();
        step_.start_ = start_;
        step_.streams_ = generator_state().stream - start_.stream;
    }

    void* allocate(std::size_t bytes) override { return backend_.allocate(bytes); }
    void release(void* memory, std::size_t bytes) noexcept override { backend_.release(memory, bytes); }
    void synchronize() override { check_not_capturing("synchronize"); }
    void copy_to_host(void*, const void*, std::size_t) override {
        check_not_capturing("item() or a copy to the host");
    }
    // A constant of the step.
    void copy_from_host(void* destination, const void* source, std::size_t bytes) override {
        if (bytes == 0) return;
        const char* first = static_cast<const char*>(source);
        note([destination, values = std::vector<char>(first, first + bytes)](Backend& backend, const Turn&) {
            backend.copy_from_host(destination, values.data(), values.size());
        });
    }

    void fill(const Loop<2>& out, double value) override { run<&Backend::fill>(out, value); }
    void map(const UnaryOp& op, const Loop<2>& loop) override { run<&Backend::map>(op, loop); }
    void zip(const BinaryOp& op, const Loop<3>& loop) override { run<&Backend::zip>(op, loop); }
    void select(const Loop<4>& loop) override { run<&Backend::select>(loop); }
    void reduce(const ReduceOp& op, const ReductionLoop& loop) override { run<&Backend::reduce>(op, loop); }
    void arg_reduce(bool largest, const ReductionLoop& loop) override {
        run<&Backend::arg_reduce>(largest, loop);
    }
    void matmul(const MatMul& product) override { run<&Backend::matmul>(product); }
    void gather(const Indexing& along, const Loop<3>& loop) override { run<&Backend::gather>(along, loop); }
    void scatter(const Indexing& along, bool add, const Loop<3>& loop) override {
        run<&Backend::scatter>(along, add, loop);
    }
    void random(const RandomOp& op, const Operand& out, std::int64_t numel, GeneratorState state) override {
        note([=, place = StreamPlace::from(start_, state)](Backend& backend, const Turn& turn) {
            backend.random(op, out, numel, place.at(turn.generator));
        });
    }
    void dropout(const Operand& out, const Operand& x, std::int64_t numel, double p,
                 GeneratorState state) override {
        note([=, place = StreamPlace::from(start_, state)](Backend& backend, const Turn& turn) {
            backend.dropout(out, x, numel, p, place.at(turn.generator));
        });
    }
    void update(const UpdateOp& op, std::span<const UpdateSlice> slices) override {
        const std::size_t number = step_.updates_.size();
        step_.updates_.push_back(op);
        step_.sources_.push_back(update_source_ ? std::exchange(update_source_, nullptr)
                                                : [op] { return op; });
        note([number, parts = std::vector<UpdateSlice>(slices.begin(), slices.end())](
                 Backend& backend, const Turn& turn) { backend.update(turn.updates[number], parts); });
    }
    void softmax(const Rows& rows, bool log, void* out, const void* x) override {
        run<&Backend::softmax>(rows, log, out, x);
    }
    void softmax_backward(const Rows& rows, bool log, void* dx, const void* g, const void* y) override {
        run<&Backend::softmax_backward>(rows, log, dx, g, y);
    }
    void cross_entropy(const Rows& rows, const CrossEntropy& loss) override {
        run<&Backend::cross_entropy>(rows, loss);
    }
    void batch_norm(const BatchNorm& norm, bool training, void* y) override {
        run<&Backend::batch_norm>(norm, training, y);
    }
    void batch_norm_backward(const BatchNorm& norm, const void* g, void* dx, void* dweight,
                             void* dbias) override {
        run<&Backend::batch_norm_backward>(norm, g, dx, dweight, dbias);
    }
    void normalize_rows(const Rows& rows, double eps, void* y, void* inverse_std, const void* x) override {
        run<&Backend::normalize_rows>(rows, eps, y, inverse_std, x);
    }
    void normalize_rows_backward(const Rows& rows, void* dx, const void* g, const void* y,
                                 const void* inverse_std) override {
        run<&Backend::normalize_rows_backward>(rows, dx, g, y, inverse_std);
    }
    void scan(const ReduceOp& op, const Lines& lines, bool reverse, void* out, const void* x) override {
        run<&Backend::scan>(op, lines, reverse, out, x);
    }
    void sort(const Rows& rows, bool descending, void* values, std::int64_t* indices,
              const void* x) override {
        run<&Backend::sort>(rows, descending, values, indices, x);
    }
    void unfold(const Windows& windows, void* columns, const void* x) override {
        run<&Backend::unfold>(windows, columns, x);
    }
    void fold(const Windows& windows, void* x, const void* columns) override {
        run<&Backend::fold>(windows, x, columns);
    }
    void max_pool(const Windows& windows, void* y, std::int64_t* indices, const void* x) override {
        run<&Backend::max_pool>(windows, y, indices, x);
    }
    void max_pool_backward(const Windows& windows, void* dx, const void* g,
                           const std::int64_t* indices) override {
        run<&Backend::max_pool_backward>(windows, dx, g, indices);
    }
    void avg_pool(const Windows& windows, const Average& average, void* y, const void* x) override {
        run<&Backend::avg_pool>(windows, average, y, x);
    }
    void avg_pool_backward(const Windows& windows, const Average& average, void* dx, const void* g) override {
        run<&Backend::avg_pool_backward>(windows, average, dx, g);
    }
    bool convolves_narrow(const Convolution& c) override { return backend_.convolves_narrow(c); }
    void convolution(const Convolution& c, void* y, const void* x, const void* w,
                     const Epilogue& epilogue) override {
        run<&Backend::convolution>(c, y, x, w, epilogue);
    }
    void convolution_input(const Convolution& c, void* dx, const void* g, const void* w) override {
        run<&Backend::convolution_input>(c, dx, g, w);
    }
    void convolution_weight(const Convolution& c, void* dw, const void* x, const void* g) override {
        run<&Backend::convolution_weight>(c, dw, x, g);
    }
    std::optional<std::size_t> recurrence_reserve(const Recurrence& r) override {
        return backend_.recurrence_reserve(r);
    }
    void recurrence(const Recurrence& r, const RecurrentPass& pass) override {
        run<&Backend::recurrence>(r, pass);
    }
    void recurrence_backward(const Recurrence& r, const RecurrentPass& pass,
                             const RecurrentGradients& gradients) override {
        run<&Backend::recurrence_backward>(r, pass, gradients);
    }

  private:
    void note(RecordedStep::Call call) {
        call(backend_, {start_, step_.updates_});
        step_.list_.push_back(std::move(call));
    }
    template <auto method, class... Args> void run(const Args&... args) {
        note([=](Backend& backend, const Turn&) { (backend.*method)(args...); });
    }

    RecordedStep& step_;
    Backend& backend_;
    const Device device_;
    const GeneratorState start_;
    std::unordered_set<const Storage*> own_;
    std::function<UpdateOp()> update_source_;
};

void RecordedStep::record(Backend& backend, Device device, const std::function<void()>& step) {
    StepRecorder recorder(*this, backend, device);
    step();
    recorder.finish();
}

void RecordedStep::replay(std::int64_t times) {
    check_not_capturing("replay");
    for (; times > 0; --times) {
        const GeneratorState now = generator_state();
        set_generator_state({now.seed, now.stream + streams_});
        for (std::size_t i = 0; i < sources_.size(); ++i) updates_[i] = sources_[i]();
        run({now, updates_});
    }
}

}  // namespace adjoint
