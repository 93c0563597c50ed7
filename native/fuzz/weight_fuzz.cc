// Weights of any description: created, filled with any bytes slice by slice, sealed, then read by the embedding and by
// linear layers of both precisions.

#include <vector>

#include "fuzz/input.h"
#include "fuzz/session.h"
#include "moesaic/ops.h"

namespace {

using namespace msc::fuzz;

/// Largest weight that is created in earnest; whatever lies between this and nonsense would only cost memory.
constexpr double kMaxElements = 1 << 17;
constexpr double kNonsense = 0x1p52;

bool is_grouped(int32_t format) {
  return format == MSC_FORMAT_U4 || format == MSC_FORMAT_I8 || format == MSC_FORMAT_F8_E4M3;
}

msc_weight_desc description(Input& input, int32_t format, int64_t block) {
  msc_weight_desc desc = {};
  desc.struct_size = input.mostly<uint32_t>(sizeof(desc));
  desc.format = format;
  desc.num_experts = 1 + input.below(3);
  desc.rows = 1 + input.below(40);
  desc.cols = (1 + input.below(4)) * block;
  desc.scale_format = input.mostly<int32_t>(-1);
  desc.zero_point_format = input.mostly<int32_t>(-1);
  if (is_grouped(format)) {
    desc.cols = (1 + input.below(4)) * 32;
    desc.group_rows = input.mostly<int32_t>(1);
    desc.group_cols = int64_t{32} << input.below(4);
    desc.scale_format = input.mostly<int32_t>(MSC_FORMAT_F32);
    desc.zero_point_format = input.mostly<int32_t>(format == MSC_FORMAT_F8_E4M3 ? -1 : MSC_FORMAT_I16);
  }
  switch (input.below(16)) {
    case 0: desc.num_experts = extreme(input); break;
    case 1: desc.rows = extreme(input); break;
    case 2: desc.cols = extreme(input); break;
    case 3: desc.cols += input.below(block > 1 ? static_cast<uint32_t>(block) : 3); break;
    case 4: desc.group_rows = extreme(input); break;
    case 5: desc.group_cols = extreme(input); break;
    case 6:
      desc.num_experts = extreme(input);
      desc.rows = extreme(input);
      desc.cols = extreme(input);
      break;
    default: break;
  }
  return desc;
}

bool costs_memory_only(const msc_weight_desc& desc) {
  if (desc.num_experts <= 0 || desc.rows <= 0 || desc.cols <= 0) {
    return false;
  }
  const double elements =
      static_cast<double>(desc.num_experts) * static_cast<double>(desc.rows) * static_cast<double>(desc.cols);
  return elements > kMaxElements && elements < kNonsense;
}

/// Scales, zero points and an order of columns for a slice of a format that keeps them apart, of exactly their sizes.
struct GroupParts {
  std::vector<float> scales;
  std::vector<int16_t> zeros;
  std::vector<int32_t> permutation;

  GroupParts(Input& input, const msc_weight_desc& desc, int64_t num_rows) {
    if (!is_grouped(desc.format)) {
      return;
    }
    const auto count = static_cast<size_t>(((desc.cols - 1) / desc.group_cols + 1) * num_rows);
    if (input.rarely(4)) {
      scales = input.array<float>(count);
    } else {
      scales.assign(count, 0.125f);
    }
    if (desc.format != MSC_FORMAT_F8_E4M3) {
      zeros = input.array<int16_t>(count);
      for (int16_t& zero : zeros) {
        zero = input.rarely(16) ? zero : static_cast<int16_t>(zero & 15);
      }
    }
    if (input.rarely(8)) {
      permutation = input.array<int32_t>(static_cast<size_t>(desc.cols));
    }
  }
  void set(msc_weight_slice& slice) const {
    slice.scales = scales.empty() ? nullptr : scales.data();
    slice.zero_points = zeros.empty() ? nullptr : zeros.data();
    slice.permutation = permutation.empty() ? nullptr : permutation.data();
  }
};

/// Loads [row_begin, row_begin + num_rows) from memory of exactly the size that the call may read.
bool load(Input& input, msc_weight* weight, const msc_weight_desc& desc, uint64_t row_bytes, int64_t expert,
          int64_t row_begin, int64_t num_rows, uint64_t stride) {
  const GroupParts parts(input, desc, num_rows);
  const auto bytes = static_cast<size_t>(stride * static_cast<uint64_t>(num_rows - 1) + row_bytes);
  const std::vector<uint8_t> source = input.array<uint8_t>(bytes);
  msc_weight_slice slice = {};
  slice.struct_size = sizeof(slice);
  slice.expert = expert;
  slice.row_begin = row_begin;
  slice.num_rows = num_rows;
  slice.source = source.data();
  slice.source_row_bytes = stride;
  parts.set(slice);
  return accepted(msc_weight_load(weight, &slice));
}

/// A slice that must be refused, or that is right but has an odd stride; the source holds one row.
void load_odd(Input& input, msc_weight* weight, uint64_t row_bytes) {
  const std::vector<uint8_t> source = input.array<uint8_t>(static_cast<size_t>(row_bytes));
  msc_weight_slice slice = {};
  slice.struct_size = input.mostly<uint32_t>(sizeof(slice));
  slice.factor = input.mostly<float>(0);
  slice.expert = input.rarely(2) ? extreme(input) : 0;
  slice.row_begin = input.rarely(2) ? extreme(input) : 0;
  slice.source = source.data();
  slice.num_rows = 1;
  slice.source_row_bytes = row_bytes;
  switch (input.below(3)) {
    case 0: slice.source_row_bytes = static_cast<uint64_t>(extreme(input)); break;  // of one row: never stepped over
    case 1:
      slice.num_rows = extreme(input);
      slice.source_row_bytes = 0;  // less than a row: no count of rows may be read with it
      break;
    default:
      slice.num_rows = -static_cast<int64_t>(input.below(4));
      break;
  }
  const bool taken = accepted(msc_weight_load(weight, &slice));
  require(!taken || (slice.num_rows == 1 && slice.source_row_bytes >= row_bytes), "a nonsensical slice was loaded");
}

void run_linear(const Session& session, Input& input, const msc_weight* weight, int64_t rows, int64_t cols) {
  const auto tokens = static_cast<int64_t>(1 + input.below(3));
  const Buffer in(session, static_cast<uint64_t>(tokens * cols) * sizeof(float));
  const Buffer out(session, static_cast<uint64_t>(tokens * rows) * sizeof(float));
  const std::vector<float> values = input.array<float>(static_cast<size_t>(tokens * cols));
  std::memcpy(in.host, values.data(), values.size() * sizeof(float));
  msc_linear_params params = {};
  params.struct_size = sizeof(params);
  params.precision = input.mostly<int32_t>(static_cast<int32_t>(input.below(2)));
  params.epilogue = input.mostly<int32_t>(static_cast<int32_t>(input.below(2)));
  params.num_targets = 1;
  params.input = in.dense(tokens, cols);
  params.targets[0].weight = weight;
  params.targets[0].out = out.dense(tokens, rows);
  accepted(msc_op_linear(session.stream, &params));
}

void run_embedding(const Session& session, Input& input, const msc_weight* weight, int64_t rows, int64_t cols) {
  msc_batch_limits limits = {};
  limits.struct_size = sizeof(limits);
  limits.max_tokens = 2;
  limits.max_sequences = 1;
  msc_batch* batch = nullptr;
  require_ok(msc_batch_create(session.device, &limits, &batch), "msc_batch_create");
  const int32_t ids[] = {static_cast<int32_t>(input.below(static_cast<uint32_t>(rows) + 1)), input.mostly<int32_t>(0)};
  const int32_t positions[] = {0, 1};
  const int32_t offsets[] = {0, 2};
  msc_batch_desc desc = {};
  desc.struct_size = sizeof(desc);
  desc.num_tokens = 2;
  desc.num_sequences = 1;
  desc.host_token_ids = ids;
  desc.host_positions = positions;
  desc.host_query_offsets = offsets;
  if (accepted(msc_batch_update(batch, session.stream, &desc))) {
    const Buffer out(session, static_cast<uint64_t>(2 * cols) * sizeof(float));
    msc_embedding_params params = {};
    params.struct_size = sizeof(params);
    params.scale = 1.0f;
    params.table = weight;
    params.out = out.dense(2, cols);
    const bool taken = accepted(msc_op_embedding(session.stream, batch, &params));
    require(!taken || (ids[0] < rows && ids[1] >= 0 && ids[1] < rows), "a token outside the table was embedded");
  }
  require_ok(msc_batch_destroy(batch), "msc_batch_destroy");
}

void use(const Session& session, Input& input, msc_weight* weight, const msc_weight_desc& desc, uint64_t row_bytes) {
  msc_weight_info info = {};
  info.struct_size = sizeof(info);
  require_ok(msc_weight_query(weight, &info), "msc_weight_query");
  require(info.rows == desc.rows && info.cols == desc.cols && info.num_experts == desc.num_experts, "another shape");
  // What an odd slice filled, or a refused slice filled before it met a row that was there, is missing or twice there.
  const bool odd = input.rarely(4);
  if (odd) {
    load_odd(input, weight, row_bytes);
  }
  const bool whole = !input.rarely(8);
  bool skipped = false;
  for (int64_t expert = 0; expert < desc.num_experts; ++expert) {
    for (int64_t row = 0; row < desc.rows;) {
      const auto count = std::min<int64_t>(1 + input.below(20), desc.rows - row);
      if (!whole && input.rarely(4)) {
        row += count;
        skipped = true;
        continue;
      }
      const bool loaded = load(input, weight, desc, row_bytes, expert, row, count, row_bytes + input.below(3));
      skipped |= !loaded && is_grouped(desc.format);  // its scales may be nonsense
      row += count;
    }
  }
  const bool sealed = accepted(msc_weight_seal(weight));
  require(sealed || skipped || odd, "a filled weight was not sealed");
  run_linear(session, input, weight, desc.rows, desc.cols);
  if (desc.num_experts == 1) {
    run_embedding(session, input, weight, desc.rows, desc.cols);
  }
  if (sealed) {
    require(!load(input, weight, desc, row_bytes, 0, 0, 1, row_bytes), "a sealed weight was filled");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Session best;
  static const Session portable(MSC_ISA_PORTABLE);
  Input input(data, size);
  const Session& session = input.rarely(4) ? portable : best;
  static constexpr int32_t kNative[] = {MSC_FORMAT_F32,  MSC_FORMAT_F16,  MSC_FORMAT_BF16, MSC_FORMAT_Q8_0,
                                        MSC_FORMAT_Q4_0, MSC_FORMAT_Q4_1, MSC_FORMAT_Q4_K, MSC_FORMAT_Q6_K,
                                        MSC_FORMAT_Q5_0, MSC_FORMAT_Q5_1, MSC_FORMAT_Q5_K, MSC_FORMAT_MXFP4,
                                        MSC_FORMAT_NVFP4, MSC_FORMAT_IQ4_NL, MSC_FORMAT_IQ4_XS,
                                        MSC_FORMAT_U4,   MSC_FORMAT_I8,   MSC_FORMAT_F8_E4M3};
  const auto format = input.mostly<int32_t>(kNative[input.below(std::size(kNative))]);
  uint64_t block = 1;
  uint64_t block_bytes = 1;
  if (!accepted(msc_format_block(format, &block, &block_bytes))) {
    block = 1;
  }
  const msc_weight_desc desc = description(input, format, static_cast<int64_t>(block));
  if (costs_memory_only(desc)) {
    return -1;
  }
  msc_weight* weight = nullptr;
  if (!accepted(msc_weight_create(session.device, &desc, &weight))) {
    return 0;
  }
  require(desc.cols % static_cast<int64_t>(block) == 0, "columns that are no multiple of the block were accepted");
  const uint64_t row_bytes = static_cast<uint64_t>(desc.cols) / block * block_bytes;
  use(session, input, weight, desc, row_bytes);
  require_ok(msc_weight_destroy(weight), "msc_weight_destroy");
  return 0;
}
