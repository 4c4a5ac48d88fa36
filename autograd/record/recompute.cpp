// The marks of a thread.
#include <adjoint/autograd/record/recompute.h>

#include <atomic>
#include <utility>

namespace adjoint {
namespace {

constinit thread_local std::uint32_t region = 0;
constinit thread_local bool again = false;
constinit std::atomic<std::uint32_t> regions = 0;

}  // namespace

bool is_recomputing() noexcept { return again; }

namespace detail {

Region::Region() noexcept : number_(++regions), before_(std::exchange(region, number_)) {}
Region::~Region() { region = before_; }
std::uint32_t current_region() noexcept { return region; }

Recomputing::Recomputing() noexcept : before_(std::exchange(again, true)) {}
Recomputing::~Recomputing() { again = before_; }

}  // namespace detail
}  // namespace adjoint
