#pragma once

#include "cuda/linear/linear.h"

namespace msc::cuda {

// By kernel; compiled apart. launch_linear calls them.
void launch_linear_stream(const LinearParams& params, const LinearPlan& plan, Stream stream);
void launch_linear_tile(const LinearParams& params, const LinearPlan& plan, Stream stream);

}  // namespace msc::cuda
