#pragma once

#include <cmath>

#include "core/error.h"
#include "cpu/linear/gate_rule.h"

namespace msc {

/// The activation of a gated epilogue; its numbers have to be there exactly where it has any.
inline cpu::GateRule checked_gate(int32_t epilogue, float alpha, float limit) {
  if (epilogue == MSC_EPILOGUE_SWIGLU_CLAMPED) {
    MSC_CHECK_ARGUMENT(std::isfinite(alpha) && alpha > 0.0f, "gate_alpha is %g, must be finite and above 0",
                       static_cast<double>(alpha));
    MSC_CHECK_ARGUMENT(std::isfinite(limit) && limit > 0.0f, "gate_limit is %g, must be finite and above 0",
                       static_cast<double>(limit));
  } else {
    MSC_CHECK_ARGUMENT(alpha == 0.0f && limit == 0.0f,
                       "gate_alpha is %g and gate_limit %g, must be 0: only MSC_EPILOGUE_SWIGLU_CLAMPED has them",
                       static_cast<double>(alpha), static_cast<double>(limit));
  }
  return {epilogue, alpha, limit};
}

}  // namespace msc
