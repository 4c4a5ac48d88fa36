// A device of which every call is refused: what computes, copies, prints or saves goes by its device, so that
// nobody has to ask whether a tensor is there.
#include <adjoint/distributed/parallel/absent.h>

#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/absent_device.h>

namespace adjoint::distributed {
namespace {

class AbsentBackend;

[[noreturn]] void refuse_absent() {
    throw DeviceError(
        "the values of a parameter are on another rank, where Shard::parameters leaves them while no layer "
        "computes with it: every rank calls gather_parameters() before they are read, written or saved; in "
        "fit callbacks of epochs have all; what computes with a weight has it as a parameter of its own and "
        "computes by Module::computed");
}
template <class Call> void on(AbsentBackend&, const Call&) { refuse_absent(); }

class AbsentBackend final : public Runs<AbsentBackend, Backend, Calls> {
  public:
    void* allocate(std::size_t) override { refuse_absent(); }
    void release(void*, std::size_t) noexcept override {}
    void copy_to_host(void*, const void*, std::size_t) override { refuse_absent(); }
    void synchronize() override {}
    std::shared_ptr<Recording> record(const std::function<void()>&, bool) override { refuse_absent(); }
    bool convolves_narrow(const Convolution&) override { return false; }
    std::optional<std::size_t> recurrence_reserve(const Recurrence&) override { return std::nullopt; }
    bool attends(const Attention&) override { return false; }
};

}  // namespace

Device absent_device() {
    // Never destroyed, as other devices.
    static AbsentBackend& backend = *new AbsentBackend;
    static const Device device =
        register_absent_device("another rank (gather_parameters() brings it here)", backend);
    return device;
}

bool is_absent(const Tensor& parameter) { return parameter.device() == absent_device(); }

void make_absent(const Tensor& parameter) {
    TensorImpl& impl = parameter.impl();
    impl.hold(Storage::borrow(nullptr, 0, absent_device(), {}));
}

}  // namespace adjoint::distributed
