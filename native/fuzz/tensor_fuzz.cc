// Tensor views of any offset, shape, stride and format over real buffers, through msc_op_rms_norm.

#include "fuzz/input.h"
#include "fuzz/session.h"
#include "moesaic/ops.h"

namespace {

using namespace msc::fuzz;

constexpr uint64_t kBufferBytes = 4096;

/// A view over one of the buffers; mostly one that may fit, now and then with one number out of the ordinary.
msc_tensor view(Input& input, msc_buffer* const (&buffers)[4], int64_t rows, int64_t cols) {
  msc_tensor tensor = {};
  tensor.buffer = buffers[input.below(3)];
  tensor.offset_bytes = input.below(2) * 4 * input.below(kBufferBytes / 4 + 2);
  tensor.rows = rows;
  tensor.cols = cols;
  tensor.row_stride = cols + input.below(2) * input.below(64);
  tensor.format = MSC_FORMAT_F32;
  switch (input.below(16)) {
    case 0: tensor.offset_bytes = static_cast<uint64_t>(extreme(input)); break;
    case 1: tensor.rows = extreme(input); break;
    case 2: tensor.cols = extreme(input); break;
    case 3: tensor.row_stride = extreme(input); break;
    case 4: tensor.format = input.value<int32_t>(); break;
    case 5: tensor.reserved = input.value<int32_t>(); break;
    case 6: tensor.buffer = buffers[3]; break;
    case 7: tensor.buffer = nullptr; break;
    case 8:
      tensor.rows = extreme(input);
      tensor.cols = extreme(input);
      tensor.row_stride = extreme(input);
      tensor.offset_bytes = static_cast<uint64_t>(extreme(input));
      break;
    default: break;
  }
  return tensor;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Session best;
  static const Session portable(MSC_ISA_PORTABLE);
  Input input(data, size);
  const Session& session = input.rarely(4) ? portable : best;
  const Session& other = &session == &best ? portable : best;
  const Buffer buffers[] = {{session, kBufferBytes}, {session, kBufferBytes}, {session, 64}, {other, kBufferBytes}};
  msc_buffer* const handles[] = {buffers[0].handle, buffers[1].handle, buffers[2].handle, buffers[3].handle};

  // Small shapes fit often, and odd columns take the kernels' tails.
  const auto rows = static_cast<int64_t>(input.below(10));
  const auto cols = static_cast<int64_t>(input.below(40));
  msc_rms_norm_params params = {};
  params.struct_size = input.mostly<uint32_t>(sizeof(params));
  params.eps = input.mostly<float>(1e-5f);
  params.input = view(input, handles, rows, cols);
  params.weight = view(input, handles, 1, cols);
  params.out = input.rarely(4) ? params.input : view(input, handles, rows, cols);
  for (const Buffer& buffer : buffers) {
    const std::vector<float> values = input.array<float>(64 / sizeof(float));
    std::memcpy(buffer.host, values.data(), 64);
  }
  accepted(msc_op_rms_norm(session.stream, &params));
  return 0;
}
