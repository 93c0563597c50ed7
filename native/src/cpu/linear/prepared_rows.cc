#include "cpu/linear/prepared_rows.h"

#include <cstring>

#include "cpu/linear/activation_block.h"

namespace msc::cpu {

size_t prepared_row_bytes(InputKind kind, int64_t cols) {
  const auto even_cols = static_cast<size_t>((cols + 1) / 2 * 2);
  size_t bytes = 0;
  switch (kind) {
    case InputKind::kFloat:
      bytes = even_cols * sizeof(float);
      break;
    case InputKind::kInt8:
      bytes = static_cast<size_t>(cols / kActivationBlockElements) * sizeof(ActivationBlock);
      break;
    case InputKind::kBF16:
      bytes = even_cols * sizeof(uint16_t);
      break;
  }
  return (((bytes + 63) / 64) | 1) * 64;
}

void prepare_row(const InputTransform& transform, InputKind kind, const float* row, int64_t cols, float* spare,
                 std::byte* out) {
  if (transform.norm_weight != nullptr) {
    float* normalised = kind == InputKind::kFloat ? reinterpret_cast<float*>(out) : spare;
    transform.norm(row, transform.norm_weight, cols, transform.norm_eps, normalised);
    row = normalised;
  }
  switch (kind) {
    case InputKind::kFloat:
      if (row != reinterpret_cast<float*>(out)) {
        std::memcpy(out, row, static_cast<size_t>(cols) * sizeof(float));
      }
      if (cols % 2 != 0) {
        reinterpret_cast<float*>(out)[cols] = 0.0f;
      }
      break;
    case InputKind::kInt8:
      transform.kernels->quantise_row(row, cols, out);
      break;
    case InputKind::kBF16:
      transform.kernels->round_row(row, cols, out);
      if (cols % 2 != 0) {
        std::memset(out + 2 * cols, 0, 2);
      }
      break;
  }
}

}  // namespace msc::cpu
