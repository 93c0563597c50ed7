#include "core/tensor.h"

namespace msc {

std::byte* checked_data(const msc_tensor& tensor, const msc_device* device, int32_t format, uint64_t element_bytes,
                        const char* name) {
  MSC_CHECK_ARGUMENT(tensor.buffer != nullptr, "tensor '%s' is absent: set its buffer", name);
  MSC_CHECK_ARGUMENT(tensor.buffer->device == device, "tensor '%s' lies in a buffer of another device", name);
  MSC_CHECK_ARGUMENT(tensor.format == format, "tensor '%s' has format %d, expected %d", name, tensor.format, format);
  MSC_CHECK_ARGUMENT(tensor.reserved == 0, "tensor '%s' has reserved = %d, must be 0", name, tensor.reserved);
  MSC_CHECK_ARGUMENT(tensor.rows >= 0 && tensor.cols > 0, "tensor '%s' is [%lld, %lld]: rows must be >= 0, columns > 0",
                     name, static_cast<long long>(tensor.rows), static_cast<long long>(tensor.cols));
  MSC_CHECK_ARGUMENT(tensor.row_stride >= tensor.cols, "tensor '%s' has row_stride %lld, less than its %lld columns",
                     name, static_cast<long long>(tensor.row_stride), static_cast<long long>(tensor.cols));
  MSC_CHECK_ARGUMENT(tensor.offset_bytes % element_bytes == 0,
                     "tensor '%s' starts at byte %llu, not a multiple of its element size %llu", name,
                     static_cast<unsigned long long>(tensor.offset_bytes),
                     static_cast<unsigned long long>(element_bytes));
  uint64_t end = 0;
  bool overflow = false;
  if (tensor.rows > 0) {
    overflow |= __builtin_mul_overflow(static_cast<uint64_t>(tensor.rows - 1),
                                       static_cast<uint64_t>(tensor.row_stride), &end);
    overflow |= __builtin_add_overflow(end, static_cast<uint64_t>(tensor.cols), &end);
    overflow |= __builtin_mul_overflow(end, element_bytes, &end);
  }
  overflow |= __builtin_add_overflow(end, tensor.offset_bytes, &end);
  MSC_CHECK_ARGUMENT(!overflow && end <= tensor.buffer->size_bytes,
                     "tensor '%s' [%lld, %lld], row_stride %lld at byte %llu, reaches beyond its buffer of %llu bytes",
                     name, static_cast<long long>(tensor.rows), static_cast<long long>(tensor.cols),
                     static_cast<long long>(tensor.row_stride), static_cast<unsigned long long>(tensor.offset_bytes),
                     static_cast<unsigned long long>(tensor.buffer->size_bytes));
  return tensor.buffer->data + tensor.offset_bytes;
}

}  // namespace msc
