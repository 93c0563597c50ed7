// msc_dequantize and msc_format_block: any format number, any bytes, any count that the source and the target hold.

#include <vector>

#include "fuzz/input.h"
#include "fuzz/session.h"
#include "moesaic/weight.h"

namespace {

constexpr uint64_t kMaxElements = 1 << 16;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace msc::fuzz;
  Input input(data, size);
  const auto format = input.rarely(16) ? input.value<int32_t>() : static_cast<int32_t>(input.below(MSC_FORMAT_U32 + 2));
  uint64_t elements = 0;
  uint64_t bytes = 0;
  if (!accepted(msc_format_block(format, &elements, &bytes))) {
    float target = 0;
    const uint8_t source[8] = {};
    require(!accepted(msc_dequantize(format, source, 1, &target)), "an unknown format was dequantised");
    return 0;
  }
  require(elements > 0 && bytes > 0, "a block without elements or bytes");
  if (input.rarely(16)) {
    // Absent memory and counts that no memory holds are refused before anything is touched.
    const auto count = static_cast<uint64_t>(extreme(input));
    require(count == 0 || !accepted(msc_dequantize(format, nullptr, count, nullptr)), "NULL was dequantised");
    return 0;
  }

  const auto extra = input.rarely(8) ? input.below(static_cast<uint32_t>(elements)) : 0;
  const uint64_t blocks = std::min<uint64_t>(input.left() / bytes, kMaxElements / elements);
  const uint64_t count = blocks * elements + extra;
  const std::vector<uint8_t> source = input.array<uint8_t>(static_cast<size_t>((blocks + (extra != 0 ? 1 : 0)) * bytes));
  std::vector<float> target(static_cast<size_t>(count));
  if (accepted(msc_dequantize(format, source.empty() ? data : source.data(), count, target.empty() ? nullptr : target.data()))) {
    require(count % elements == 0, "a part of a block was dequantised");
  }
  return 0;
}
