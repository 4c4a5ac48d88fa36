// What a device's kernels do at sizes and in corners that the operator table has not, against the CPU.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include <adjoint/core/base/device.h>

namespace adjoint {

/// A named check of one device. Failures are GoogleTest's.
struct DeviceCase {
    std::string name;
    std::function<void(Device)> check;
};
inline void PrintTo(const DeviceCase& one, std::ostream* out) { *out << one.name; }

const std::vector<DeviceCase>& device_cases();
/// Of programs over elements, batches and captured steps; for the CPU, too.
const std::vector<DeviceCase>& chain_cases();
const std::vector<DeviceCase>& batch_cases();
const std::vector<DeviceCase>& capture_cases();
const std::vector<DeviceCase>& fit_cases();

namespace device {
// The parts, by topic.
void add_elements(std::vector<DeviceCase>& cases);
void add_sums(std::vector<DeviceCase>& cases);
void add_places(std::vector<DeviceCase>& cases);
void add_recurrent(std::vector<DeviceCase>& cases);
}  // namespace device

}  // namespace adjoint
