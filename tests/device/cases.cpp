// The cases put together.
#include "device/cases.h"

#include <utility>

#include <adjoint/core/contract/generator.h>

namespace adjoint {

const std::vector<DeviceCase>& device_cases() {
    static const std::vector<DeviceCase> together = [] {
        std::vector<DeviceCase> cases;
        for (const auto add :
             {device::add_elements, device::add_sums, device::add_places, device::add_recurrent})
            add(cases);
        for (const auto& more : {chain_cases(), batch_cases(), capture_cases(), fit_cases()})
            cases.insert(cases.end(), more.begin(), more.end());
        // What a case draws does not depend on those before it in the process.
        for (DeviceCase& one : cases)
            one.check = [check = std::move(one.check)](Device device) {
                manual_seed(0);
                check(device);
            };
        return cases;
    }();
    return together;
}

}  // namespace adjoint
