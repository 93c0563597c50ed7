#include "cpu/dequantize/dequantize.h"

#include "core/error.h"
#include "cpu/dequantize/decoders.h"
#include "moesaic/base.h"

namespace msc::cpu {

namespace {

using DecodeRow = void (*)(const uint8_t* blocks, int64_t num_blocks, float* out);

struct Format {
  int32_t id;
  size_t elements;
  size_t bytes;
  DecodeRow decode;  // null: known by size only
};

template <void (*DecodeBlock)(const uint8_t*, float*), size_t kElements, size_t kBytes>
void decode_blocks(const uint8_t* blocks, int64_t num_blocks, float* out) {
  for (int64_t b = 0; b < num_blocks; ++b, blocks += kBytes, out += kElements) DecodeBlock(blocks, out);
}

void decode_f32(const uint8_t* block, float* out) { *out = float_from_bits(load_u32(block)); }
void decode_f16(const uint8_t* block, float* out) { *out = load_half(block); }
void decode_bf16(const uint8_t* block, float* out) {
  *out = float_from_bits(static_cast<uint32_t>(load_u16(block)) << 16);
}

template <void (*DecodeBlock)(const uint8_t*, float*), size_t kElements, size_t kBytes>
constexpr Format readable(int32_t id) {
  return {id, kElements, kBytes, decode_blocks<DecodeBlock, kElements, kBytes>};
}

constexpr Format kFormats[] = {
    readable<decode_f32, 1, 4>(MSC_FORMAT_F32),
    readable<decode_f16, 1, 2>(MSC_FORMAT_F16),
    readable<decode_bf16, 1, 2>(MSC_FORMAT_BF16),
    readable<decode_q4_0, 32, 18>(MSC_FORMAT_Q4_0),
    readable<decode_q4_1, 32, 20>(MSC_FORMAT_Q4_1),
    readable<decode_q5_0, 32, 22>(MSC_FORMAT_Q5_0),
    readable<decode_q5_1, 32, 24>(MSC_FORMAT_Q5_1),
    readable<decode_q8_0, 32, 34>(MSC_FORMAT_Q8_0),
    readable<decode_q2_k, 256, 84>(MSC_FORMAT_Q2_K),
    readable<decode_q3_k, 256, 110>(MSC_FORMAT_Q3_K),
    readable<decode_q4_k, 256, 144>(MSC_FORMAT_Q4_K),
    readable<decode_q5_k, 256, 176>(MSC_FORMAT_Q5_K),
    readable<decode_q6_k, 256, 210>(MSC_FORMAT_Q6_K),
    readable<decode_iq1_s, 256, 50>(MSC_FORMAT_IQ1_S),
    readable<decode_iq1_m, 256, 56>(MSC_FORMAT_IQ1_M),
    readable<decode_iq2_xxs, 256, 66>(MSC_FORMAT_IQ2_XXS),
    readable<decode_iq2_xs, 256, 74>(MSC_FORMAT_IQ2_XS),
    readable<decode_iq2_s, 256, 82>(MSC_FORMAT_IQ2_S),
    readable<decode_iq3_xxs, 256, 98>(MSC_FORMAT_IQ3_XXS),
    readable<decode_iq3_s, 256, 110>(MSC_FORMAT_IQ3_S),
    readable<decode_iq4_nl, 32, 18>(MSC_FORMAT_IQ4_NL),
    readable<decode_iq4_xs, 256, 136>(MSC_FORMAT_IQ4_XS),
    readable<decode_tq1_0, 256, 54>(MSC_FORMAT_TQ1_0),
    readable<decode_tq2_0, 256, 66>(MSC_FORMAT_TQ2_0),
    readable<decode_mxfp4, 32, 17>(MSC_FORMAT_MXFP4),
    readable<decode_nvfp4, 64, 36>(MSC_FORMAT_NVFP4),
    {MSC_FORMAT_I8, 1, 1, nullptr},
    {MSC_FORMAT_I16, 1, 2, nullptr},
    {MSC_FORMAT_I32, 1, 4, nullptr},
    {MSC_FORMAT_I64, 1, 8, nullptr},
    {MSC_FORMAT_F64, 1, 8, nullptr},
    {MSC_FORMAT_U8, 1, 1, nullptr},
    {MSC_FORMAT_U32, 1, 4, nullptr},
    {MSC_FORMAT_F8_E4M3, 1, 1, nullptr},
    {MSC_FORMAT_U4, 2, 1, nullptr},
};

const Format* find(int32_t id) {
  for (const Format& format : kFormats) {
    if (format.id == id) return &format;
  }
  return nullptr;
}

}  // namespace

bool dequantize_supported(int32_t format) {
  const Format* found = find(format);
  return found != nullptr && found->decode != nullptr;
}

size_t block_elements(int32_t format) {
  const Format* found = find(format);
  return found != nullptr ? found->elements : 0;
}

size_t block_bytes(int32_t format) {
  const Format* found = find(format);
  return found != nullptr ? found->bytes : 0;
}

void dequantize_row(int32_t format, const void* blocks, int64_t num_elements, float* out) {
  const Format* found = find(format);
  if (found == nullptr || found->decode == nullptr) {
    throw_error(MSC_STATUS_BAD_ARGUMENT, "format %d cannot be dequantised", static_cast<int>(format));
  }
  const auto elements = static_cast<int64_t>(found->elements);
  if (num_elements < 0 || num_elements % elements != 0) {
    throw_error(MSC_STATUS_BAD_ARGUMENT, "%lld elements are not a whole number of blocks of %lld",
                static_cast<long long>(num_elements), static_cast<long long>(elements));
  }
  found->decode(static_cast<const uint8_t*>(blocks), num_elements / elements, out);
}

}  // namespace msc::cpu
