// The cases put together.
#include "device/cases.h"

namespace adjoint {

const std::vector<DeviceCase>& device_cases() {
    static const std::vector<DeviceCase> together = [] {
        std::vector<DeviceCase> cases;
        for (const auto add :
             {device::add_elements, device::add_sums, device::add_places, device::add_recurrent})
            add(cases);
        for (const auto& more : {chain_cases(), capture_cases(), fit_cases()})
            cases.insert(cases.end(), more.begin(), more.end());
        return cases;
    }();
    return together;
}

}  // namespace adjoint
