#pragma once

#include "abi/arguments.h"
#include "abi/cpu_only.h"
#include "core/device.h"
#include "core/graph.h"
#include "core/guard.h"

namespace msc {

/// The body of an op's entry: checks `stream` (of a CPU device) and `params`, then runs op(stream, params), or adds it to the graph that the
/// stream captures, with a copy of `params`. The graph runs it at every launch: what `op` checks is checked again then.
template <class Params, class Op>
msc_status enqueue(const char* entry, msc_stream* stream, const Params* params, const Op& op) noexcept {
  return guard(entry, [&] {
    check_cpu_stream(stream);
    check_struct(params, "params");
    if (msc_graph* graph = stream->capture()) {
      graph->nodes.push_back({entry, [op, copy = *params](msc_stream& launched) { op(launched, copy); }});
    } else {
      op(*stream, *params);
    }
  });
}

/// The same for an op over a batch.
template <class Params, class Op>
msc_status enqueue(const char* entry, msc_stream* stream, const msc_batch* batch, const Params* params, const Op& op) noexcept {
  return enqueue(entry, stream, params, [batch, op](msc_stream& launched, const Params& p) {
    check_pointer(batch, "batch");
    op(launched, *batch, p);
  });
}

/// The same for an op over a batch and a cache.
template <class Cache, class Params, class Op>
msc_status enqueue(const char* entry, msc_stream* stream, const msc_batch* batch, Cache* cache, const Params* params,
                   const Op& op) noexcept {
  return enqueue(entry, stream, batch, params, [cache, op](msc_stream& launched, const msc_batch& b, const Params& p) {
    check_pointer(cache, "cache");
    op(launched, b, *cache, p);
  });
}

}  // namespace msc
