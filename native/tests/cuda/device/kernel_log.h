#pragma once

#include <string>
#include <vector>

/// The half of the tests' layer that runs kernels on a device: the same declarations as on the CPU (tests/cuda/layer), with
/// memory that both the host and the device reach. What only the CPU can see (unwritten bytes that are read, races) is not
/// seen here; compute-sanitizer is for that.
namespace cuda_on_device {

/// Why no kernel can run here; empty when one can. Looks once.
const std::string& missing_device();

/// "NVIDIA H100 80GB HBM3, compute capability 9.0, CUDA 12.4 of the driver".
std::string device_text();

/// Writes outside of arrays that were seen since the last call.
std::vector<std::string> take_faults();

}  // namespace cuda_on_device
