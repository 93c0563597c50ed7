#include "moesaic/attention.h"

#include <cmath>

#include "abi/arguments.h"
#include "abi/cpu_only.h"
#include "abi/enqueue.h"
#include "abi/overlap.h"
#include "core/guard.h"
#include "cpu/attention/attention.h"
#include "cpu/kv/kv_cache.h"
#include "cpu/rope/rope.h"

namespace {

using msc::Matrix;
using msc::check_pointer;
using msc::check_reserved;
using msc::check_struct;

template <class T>
Matrix<const T> read_only(Matrix<T> m) {
  return {m.data, m.rows, m.cols, m.stride};
}

void check_shape(const msc_tensor& tensor, int64_t rows, int64_t cols, const char* name) {
  MSC_CHECK_ARGUMENT(tensor.rows == rows && tensor.cols == cols, "tensor '%s' is [%lld, %lld], expected [%lld, %lld]", name,
                     static_cast<long long>(tensor.rows), static_cast<long long>(tensor.cols),
                     static_cast<long long>(rows), static_cast<long long>(cols));
}

Matrix<float> shaped(const msc_tensor& tensor, const msc_device* device, int64_t rows, int64_t cols, const char* name) {
  const Matrix<float> result = msc::matrix<float>(tensor, device, name);
  check_shape(tensor, rows, cols, name);
  return result;
}

Matrix<float> optional_shaped(const msc_tensor& tensor, const msc_device* device, int64_t rows, int64_t cols,
                              const char* name) {
  return tensor.buffer == nullptr ? Matrix<float>{} : shaped(tensor, device, rows, cols, name);
}

void check_same_device(const msc_stream& stream, const msc_device* device, const char* name) {
  MSC_CHECK_ARGUMENT(stream.device == device, "%s and stream belong to different devices", name);
}

void check_num_q_heads(int64_t num_q_heads, const msc::cpu::KvLayout& layout) {
  MSC_CHECK_ARGUMENT(num_q_heads > 0 && num_q_heads % layout.num_kv_heads == 0 && num_q_heads <= (int64_t{1} << 24),
                     "num_q_heads is %lld, must be a positive multiple of the cache's %lld KV heads",
                     static_cast<long long>(num_q_heads), static_cast<long long>(layout.num_kv_heads));
}

void check_norm_eps(float eps) {
  MSC_CHECK_ARGUMENT(std::isfinite(eps) && eps >= 0.0f, "norm_eps is %g, must be finite and not negative",
                     static_cast<double>(eps));
}

msc::cpu::RopeAppendTask checked_task(const msc_device* device, const msc_batch& batch, const msc_kv_cache& cache,
                                      const msc_rope_append_params& params) {
  const msc::cpu::KvLayout& layout = cache.layout;
  check_reserved(params.reserved, "params->reserved");
  MSC_CHECK_ARGUMENT(!layout.is_latent(), "the cache is a latent one: fill it with msc_op_latent_append");
  msc::cpu::check_layer(cache, params.layer);
  check_num_q_heads(params.num_q_heads, layout);
  MSC_CHECK_ARGUMENT(
      params.pairing == MSC_ROPE_PAIRING_HALF_SPLIT || params.pairing == MSC_ROPE_PAIRING_INTERLEAVED,
      "pairing is %d, must be MSC_ROPE_PAIRING_HALF_SPLIT (0) or MSC_ROPE_PAIRING_INTERLEAVED (1)", params.pairing);
  const int64_t tokens = batch.num_tokens;
  msc::cpu::RopeAppendTask task{};
  task.q = shaped(params.q, device, tokens, params.num_q_heads * layout.k_width, "q");
  task.k = read_only(shaped(params.k, device, tokens, layout.num_kv_heads * layout.k_width, "k"));
  task.v = read_only(shaped(params.v, device, tokens, layout.num_kv_heads * layout.v_width, "v"));
  task.q_norm_is_whole = params.q_norm.buffer != nullptr && params.q_norm.cols != layout.k_width;
  task.k_norm_is_whole = params.k_norm.buffer != nullptr && params.k_norm.cols != layout.k_width;
  task.q_norm = optional_shaped(params.q_norm, device, 1, task.q_norm_is_whole ? task.q.cols : layout.k_width, "q_norm").data;
  task.k_norm = optional_shaped(params.k_norm, device, 1, task.k_norm_is_whole ? task.k.cols : layout.k_width, "k_norm").data;
  if (task.q_norm != nullptr || task.k_norm != nullptr) {
    check_norm_eps(params.norm_eps);
  }
  if (params.rope_table.buffer != nullptr) {
    const int64_t d = params.rope_table.cols;
    MSC_CHECK_ARGUMENT(d % 2 == 0 && d <= layout.k_width,
                       "tensor 'rope_table' has %lld columns, must be even and at most k_width (%lld)",
                       static_cast<long long>(d), static_cast<long long>(layout.k_width));
    task.table = read_only(shaped(params.rope_table, device, tokens, d, "rope_table"));
  }
  task.layer = params.layer;
  task.num_q_heads = params.num_q_heads;
  task.pairing = params.pairing;
  task.norm_eps = params.norm_eps;
  return task;
}

void check_window(int64_t window, const msc::cpu::KvLayout& layout) {
  MSC_CHECK_ARGUMENT(window >= 0, "window is %lld, must be 0 (all positions) or positive", static_cast<long long>(window));
  MSC_CHECK_ARGUMENT(layout.window == 0 || (window > 0 && window <= layout.window),
                     "window is %lld, but the cache keeps only the last %lld positions: use 1 to %lld",
                     static_cast<long long>(window), static_cast<long long>(layout.window),
                     static_cast<long long>(layout.window));
}

msc::cpu::AttentionTask checked_task(const msc_device* device, const msc_batch& batch, const msc_kv_cache& cache,
                                     const msc_attention_params& params) {
  const msc::cpu::KvLayout& layout = cache.layout;
  check_reserved(params.reserved, "params->reserved");
  MSC_CHECK_ARGUMENT(params.precision == MSC_PRECISION_REFERENCE || params.precision == MSC_PRECISION_FAST,
                     "precision is %d, must be MSC_PRECISION_REFERENCE (0) or MSC_PRECISION_FAST (1)", params.precision);
  MSC_CHECK_ARGUMENT(params.softcap == 0.0f, "softcap is %g: a soft cap of the scores is not implemented yet, must be 0",
                     static_cast<double>(params.softcap));
  MSC_CHECK_ARGUMENT(params.causal == 0 || params.causal == 1, "causal is %d, must be 0 (bidirectional) or 1",
                     params.causal);
  MSC_CHECK_ARGUMENT(std::isfinite(params.scale), "scale is %g, must be finite", static_cast<double>(params.scale));
  msc::cpu::check_layer(cache, params.layer);
  check_num_q_heads(params.num_q_heads, layout);
  if (params.causal == 0) {
    MSC_CHECK_ARGUMENT(params.window == 0 && layout.window == 0,
                       "window is %lld and the cache's %lld: bidirectional attention sees all positions, both must be 0",
                       static_cast<long long>(params.window), static_cast<long long>(layout.window));
  } else {
    check_window(params.window, layout);
  }
  const int64_t tokens = batch.num_tokens;
  msc::cpu::AttentionTask task{};
  const Matrix<float> q = shaped(params.q, device, tokens, params.num_q_heads * layout.k_width, "q");
  task.q = read_only(q);
  task.out = shaped(params.out, device, tokens, params.num_q_heads * layout.v_width, "out");
  MSC_CHECK_ARGUMENT(!msc::overlaps(q, task.out), "tensor 'out' overlaps 'q'");
  MSC_CHECK_ARGUMENT(params.sinks.buffer == nullptr || !layout.is_latent(),
                     "tensor 'sinks' is present: over a latent cache they are not implemented, leave it absent");
  task.sinks = optional_shaped(params.sinks, device, 1, params.num_q_heads, "sinks").data;
  if (params.bias.buffer != nullptr) {
    MSC_CHECK_ARGUMENT(!layout.is_latent(), "tensor 'bias' is present: latent attention takes none");
    MSC_CHECK_ARGUMENT(params.bias.cols % 2 == 1, "tensor 'bias' has %lld columns, must be odd: distances -D to D",
                       static_cast<long long>(params.bias.cols));
    task.bias = read_only(shaped(params.bias, device, params.num_q_heads, params.bias.cols, "bias"));
  }
  task.layer = params.layer;
  task.num_q_heads = params.num_q_heads;
  task.window = params.window;
  task.causal = params.causal != 0;
  task.scale = params.scale;
  return task;
}

void rope_table(msc_stream& stream, const msc_batch& batch, const msc_rope_table_params& params) {
  check_same_device(stream, batch.device, "batch");
  const auto inv_freq = msc::matrix<float>(params.inv_freq, stream.device, "inv_freq");
  check_shape(params.inv_freq, 1, inv_freq.cols, "inv_freq");
  const auto table = shaped(params.table, stream.device, batch.num_tokens, 2 * inv_freq.cols, "table");
  MSC_CHECK_ARGUMENT(std::isfinite(params.factor), "factor is %g, must be finite", static_cast<double>(params.factor));
  msc::cpu::rope_table(stream, batch, read_only(inv_freq), params.factor, table);
}

void rope_append(msc_stream& stream, const msc_batch& batch, msc_kv_cache& cache, const msc_rope_append_params& params) {
  check_same_device(stream, cache.device, "cache");
  const msc::cpu::RopeAppendTask task = checked_task(stream.device, batch, cache, params);
  msc::cpu::check_page_tables(batch, cache, msc::cpu::KvUse::kAppend, 0);
  msc::cpu::rope_append(stream, batch, cache, task);
}

void attention(msc_stream& stream, const msc_batch& batch, const msc_kv_cache& cache, const msc_attention_params& params) {
  check_same_device(stream, cache.device, "cache");
  const msc::cpu::AttentionTask task = checked_task(stream.device, batch, cache, params);
  msc::cpu::check_page_tables(batch, cache, task.causal ? msc::cpu::KvUse::kCausal : msc::cpu::KvUse::kBidirectional,
                              task.window);
  msc::cpu::attention(stream, batch, cache, task);
}

}  // namespace

msc_status msc_kv_cache_create(msc_device* device, const msc_kv_cache_desc* desc, msc_kv_cache** cache) {
  return msc::guard(__func__, [&] {
    msc::check_cpu_device(device);
    check_struct(desc, "desc");
    check_pointer(cache, "cache");
    *cache = new msc_kv_cache(device, msc::cpu::make_kv_layout(*desc));
  });
}

msc_status msc_kv_cache_destroy(msc_kv_cache* cache) {
  return msc::guard(__func__, [&] {
    check_pointer(cache, "cache");
    delete cache;
  });
}

msc_status msc_kv_cache_query(const msc_kv_cache* cache, msc_kv_cache_info* info) {
  return msc::guard(__func__, [&] {
    check_pointer(cache, "cache");
    check_struct(info, "info");
    *info = {sizeof(msc_kv_cache_info), 0, cache->layout.page_bytes, cache->layout.total_bytes};
  });
}

msc_status msc_kv_cache_page_bytes(const msc_device* device, const msc_kv_cache_desc* desc, uint64_t* bytes) {
  return msc::guard(__func__, [&] {
    msc::check_cpu_device(device);
    check_struct(desc, "desc");
    check_pointer(bytes, "bytes");
    *bytes = msc::cpu::make_kv_layout(*desc).page_bytes;
  });
}

msc_status msc_kv_cache_copy_pages(msc_stream* stream, msc_kv_cache* cache, const int32_t* host_source,
                                   const int32_t* host_target, int64_t num_pages) {
  return msc::guard(__func__, [&] {
    msc::check_cpu_stream(stream);
    check_pointer(cache, "cache");
    check_same_device(*stream, cache->device, "cache");
    msc::refuse_capture(*stream, "msc_kv_cache_copy_pages");
    MSC_CHECK_ARGUMENT(num_pages >= 0, "num_pages is %lld, must not be negative", static_cast<long long>(num_pages));
    if (num_pages > 0) {
      check_pointer(host_source, "host_source");
      check_pointer(host_target, "host_target");
    }
    msc::cpu::copy_pages(*cache, host_source, host_target, num_pages);
  });
}

msc_status msc_op_rope_table(msc_stream* stream, const msc_batch* batch, const msc_rope_table_params* params) {
  return msc::enqueue(__func__, stream, batch, params, rope_table);
}

msc_status msc_op_rope_append(msc_stream* stream, const msc_batch* batch, msc_kv_cache* cache,
                              const msc_rope_append_params* params) {
  return msc::enqueue(__func__, stream, batch, cache, params, rope_append);
}

msc_status msc_op_attention(msc_stream* stream, const msc_batch* batch, const msc_kv_cache* cache,
                            const msc_attention_params* params) {
  return msc::enqueue(__func__, stream, batch, cache, params, attention);
}
