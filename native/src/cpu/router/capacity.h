#pragma once

#include <cstdint>

#include "core/batch.h"
#include "core/tensor.h"
#include "cpu/kv/kv_cache.h"
#include "cpu/router/router.h"

namespace msc::cpu {

/// How many choices an expert takes of a sequence, and what becomes of the others; see msc_router_params.
struct CapacityRule {
  int32_t overflow;  // msc_router_overflow
  int32_t queue;     // msc_router_queue
  int64_t capacity;
  double factor;
  const msc_batch* batch;
  msc_kv_cache* cache;
  int64_t layer;
};

/// Takes the choices that `route` made to the experts' capacities: changes ids and weights of rows whose experts were
/// full, and writes the sequences' counts. `limited` false: choices are replayed and counted alone.
/// Running a step again gives the same: counts are kept as of a page's begin and by position.
void apply_capacity(msc_stream& stream, const RouterRule& rule, const CapacityRule& limits, bool limited,
                    Matrix<const float> logits, Matrix<int32_t> ids, Matrix<float> weights);

}  // namespace msc::cpu
