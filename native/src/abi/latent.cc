#include "moesaic/latent.h"

#include <cmath>

#include "abi/arguments.h"
#include "abi/enqueue.h"
#include "abi/overlap.h"
#include "core/guard.h"
#include "cpu/kv/kv_cache.h"
#include "cpu/latent/latent_append.h"
#include "cpu/latent/latent_expanded.h"
#include "cpu/linear/head_linear.h"
#include "cpu/weight/weight.h"

namespace {

using msc::Matrix;
using msc::check_pointer;
using msc::check_reserved;
using msc::check_struct;

Matrix<const float> read_only(Matrix<float> m) { return {m.data, m.rows, m.cols, m.stride}; }

Matrix<float> shaped(const msc_tensor& tensor, const msc_device* device, int64_t rows, int64_t cols, const char* name) {
  const Matrix<float> result = msc::matrix<float>(tensor, device, name);
  MSC_CHECK_ARGUMENT(tensor.rows == rows && tensor.cols == cols, "tensor '%s' is [%lld, %lld], expected [%lld, %lld]",
                     name, static_cast<long long>(tensor.rows), static_cast<long long>(tensor.cols),
                     static_cast<long long>(rows), static_cast<long long>(cols));
  return result;
}

/// [rows, heads * at least min_width].
Matrix<float> by_head(const msc_tensor& tensor, const msc_device* device, int64_t rows, int64_t heads, int64_t min_width,
                      const char* name) {
  const Matrix<float> result = msc::matrix<float>(tensor, device, name);
  MSC_CHECK_ARGUMENT(tensor.rows == rows && tensor.cols % heads == 0 && tensor.cols / heads >= min_width,
                     "tensor '%s' is [%lld, %lld], expected [%lld, %lld heads x at least %lld channels]", name,
                     static_cast<long long>(tensor.rows), static_cast<long long>(tensor.cols),
                     static_cast<long long>(rows), static_cast<long long>(heads), static_cast<long long>(min_width));
  return result;
}

void check_precision(int32_t precision) {
  MSC_CHECK_ARGUMENT(precision == MSC_PRECISION_REFERENCE || precision == MSC_PRECISION_FAST,
                     "params->precision is %d, expected a value of msc_precision", precision);
}

void check_weight(const msc_weight* weight, const msc_device* device, const char* name) {
  check_pointer(weight, name);
  MSC_CHECK_ARGUMENT(weight->device == device, "weight '%s' belongs to another device", name);
  MSC_CHECK_ARGUMENT(weight->is_sealed(), "weight '%s' is not sealed: load all rows, then msc_weight_seal", name);
}

void check_cache(const msc_stream& stream, const msc_kv_cache& cache, int64_t layer, int64_t num_q_heads) {
  MSC_CHECK_ARGUMENT(stream.device == cache.device, "cache and stream belong to different devices");
  MSC_CHECK_ARGUMENT(cache.layout.is_latent(), "the cache is none of latents: create it with a latent_width");
  msc::cpu::check_layer(cache, layer);
  MSC_CHECK_ARGUMENT(num_q_heads > 0 && num_q_heads <= (int64_t{1} << 24), "num_q_heads is %lld, must be 1 to 2^24",
                     static_cast<long long>(num_q_heads));
}

msc::cpu::LatentAppendTask checked_task(const msc_device* device, const msc_batch& batch, const msc_kv_cache& cache,
                                        const msc_latent_append_params& params) {
  const msc::cpu::KvLayout& layout = cache.layout;
  check_reserved(params.reserved, "params->reserved");
  MSC_CHECK_ARGUMENT(
      params.pairing == MSC_ROPE_PAIRING_HALF_SPLIT || params.pairing == MSC_ROPE_PAIRING_INTERLEAVED,
      "pairing is %d, must be MSC_ROPE_PAIRING_HALF_SPLIT (0) or MSC_ROPE_PAIRING_INTERLEAVED (1)", params.pairing);
  MSC_CHECK_ARGUMENT(std::isfinite(params.norm_eps) && params.norm_eps >= 0.0f,
                     "norm_eps is %g, must be finite and not negative", static_cast<double>(params.norm_eps));
  const int64_t d = layout.k_width - layout.latent_width;
  MSC_CHECK_ARGUMENT(d % 2 == 0, "the cache has %lld rotated channels, must be even", static_cast<long long>(d));
  const int64_t tokens = batch.num_tokens;
  msc::cpu::LatentAppendTask task{};
  const Matrix<float> q = by_head(params.q, device, tokens, params.num_q_heads, d, "q");
  task.q = read_only(q);
  task.rotated = by_head(params.rotated, device, tokens, params.num_q_heads, d, "rotated");
  const bool in_place = task.rotated.data == q.data && task.rotated.cols == q.cols && (task.rotated.stride == q.stride || tokens <= 1);
  MSC_CHECK_ARGUMENT(in_place || !msc::overlaps(task.rotated, q), "tensor 'rotated' overlaps 'q' without being the same");
  task.kv = read_only(shaped(params.kv, device, tokens, layout.k_width, "kv"));
  task.norm_weight = shaped(params.norm_weight, device, 1, layout.latent_width, "norm_weight").data;
  task.table = read_only(shaped(params.rope_table, device, tokens, d, "rope_table"));
  task.layer = params.layer;
  task.num_q_heads = params.num_q_heads;
  task.pairing = params.pairing;
  task.norm_eps = params.norm_eps;
  return task;
}

msc::cpu::HeadLinearCall checked_call(const msc_device* device, const msc_head_linear_params& params) {
  check_precision(params.precision);
  check_weight(params.weight, device, "weight");
  const int64_t heads = params.weight->num_experts();
  const msc::cpu::PackedLayout& layout = params.weight->layout();
  const Matrix<float> input = by_head(params.input, device, params.input.rows, heads, layout.cols, "input");
  const Matrix<float> out = by_head(params.out, device, params.input.rows, heads, layout.rows, "out");
  MSC_CHECK_ARGUMENT(!msc::overlaps(out, input), "tensor 'out' overlaps the input");
  return {params.precision, params.weight, read_only(input), out, input.cols / heads, out.cols / heads};
}

void check_head_weight(const msc_weight* weight, const msc_device* device, int64_t num_heads, int64_t cols,
                       const char* name) {
  check_weight(weight, device, name);
  MSC_CHECK_ARGUMENT(!weight->is_permuted(), "weight '%s' has permuted columns, which maps a head do not run", name);
  MSC_CHECK_ARGUMENT(weight->num_experts() == num_heads && weight->layout().cols == cols,
                     "weight '%s' is %lld matrices of %lld columns, expected %lld of %lld", name,
                     static_cast<long long>(weight->num_experts()), static_cast<long long>(weight->layout().cols),
                     static_cast<long long>(num_heads), static_cast<long long>(cols));
}

msc::cpu::LatentExpandedTask checked_task(const msc_device* device, const msc_batch& batch, const msc_kv_cache& cache,
                                          const msc_latent_expanded_params& params) {
  const msc::cpu::KvLayout& layout = cache.layout;
  check_reserved(params.reserved, "params->reserved");
  check_precision(params.precision);
  MSC_CHECK_ARGUMENT(std::isfinite(params.scale), "scale is %g, must be finite", static_cast<double>(params.scale));
  MSC_CHECK_ARGUMENT(layout.window == 0, "the cache keeps a window of %lld positions: the expanded form has no windows",
                     static_cast<long long>(layout.window));
  check_head_weight(params.key, device, params.num_q_heads, layout.latent_width, "key");
  check_head_weight(params.value, device, params.num_q_heads, layout.latent_width, "value");
  const int64_t k_width = params.key->layout().rows + layout.k_width - layout.latent_width;
  const int64_t tokens = batch.num_tokens;
  const Matrix<float> q = shaped(params.q, device, tokens, params.num_q_heads * k_width, "q");
  const Matrix<float> out = shaped(params.out, device, tokens, params.num_q_heads * params.value->layout().rows, "out");
  MSC_CHECK_ARGUMENT(!msc::overlaps(q, out), "tensor 'out' overlaps 'q'");
  return {read_only(q), out, params.key, params.value, params.layer, params.num_q_heads, params.precision, params.scale};
}

void latent_append(msc_stream& stream, const msc_batch& batch, msc_kv_cache& cache,
                   const msc_latent_append_params& params) {
  check_cache(stream, cache, params.layer, params.num_q_heads);
  const msc::cpu::LatentAppendTask task = checked_task(stream.device, batch, cache, params);
  msc::cpu::check_page_tables(batch, cache, msc::cpu::KvUse::kAppend, 0);
  msc::cpu::latent_append(stream, batch, cache, task);
}

void head_linear(msc_stream& stream, const msc_head_linear_params& params) {
  msc::cpu::head_linear(stream, checked_call(stream.device, params));
}

void latent_expanded(msc_stream& stream, const msc_batch& batch, const msc_kv_cache& cache,
                     const msc_latent_expanded_params& params) {
  check_cache(stream, cache, params.layer, params.num_q_heads);
  const msc::cpu::LatentExpandedTask task = checked_task(stream.device, batch, cache, params);
  msc::cpu::check_page_tables(batch, cache, msc::cpu::KvUse::kCausal, 0);
  msc::cpu::latent_expanded(stream, batch, cache, task);
}

}  // namespace

msc_status msc_op_latent_append(msc_stream* stream, const msc_batch* batch, msc_kv_cache* cache,
                                const msc_latent_append_params* params) {
  return msc::enqueue(__func__, stream, batch, cache, params, latent_append);
}

msc_status msc_op_head_linear(msc_stream* stream, const msc_head_linear_params* params) {
  return msc::enqueue(__func__, stream, params, head_linear);
}

msc_status msc_op_latent_expanded(msc_stream* stream, const msc_batch* batch, const msc_kv_cache* cache,
                                  const msc_latent_expanded_params* params) {
  return msc::enqueue(__func__, stream, batch, cache, params, latent_expanded);
}
