#include "moesaic/weight.h"

#include "abi/arguments.h"
#include "abi/cpu_only.h"
#include "core/guard.h"
#include "cpu/dequantize/dequantize.h"
#include "cpu/weight/weight.h"

namespace {

void check_desc(const msc_weight_desc& desc) {
  MSC_CHECK_ARGUMENT(desc.num_experts > 0 && desc.num_experts <= (int64_t{1} << 24),
                     "desc->num_experts is %lld, expected 1 (dense) up to %lld", static_cast<long long>(desc.num_experts),
                     static_cast<long long>(int64_t{1} << 24));
  MSC_CHECK_ARGUMENT(desc.rows > 0 && desc.rows <= INT64_MAX / desc.num_experts - 64,
                     "desc->rows is %lld for %lld experts, must be positive and countable",
                     static_cast<long long>(desc.rows), static_cast<long long>(desc.num_experts));
}

void check_groups(const msc_weight_desc& desc, msc::cpu::NativeFormat format) {
  const msc::cpu::FormatGeometry& shape = msc::cpu::geometry(format);
  if (!msc::cpu::has_groups(shape)) {
    MSC_CHECK_ARGUMENT(desc.group_rows == 0 && desc.group_cols == 0,
                       "desc->group_rows and group_cols are %lld and %lld: a %s weight carries its own scales, leave 0",
                       static_cast<long long>(desc.group_rows), static_cast<long long>(desc.group_cols), shape.name);
    MSC_CHECK_ARGUMENT(desc.scale_format == -1 && desc.zero_point_format == -1,
                       "desc->scale_format and zero_point_format are %d and %d: a %s weight carries its own scales, "
                       "set -1",
                       desc.scale_format, desc.zero_point_format, shape.name);
    return;
  }
  const int32_t zeros = format == msc::cpu::NativeFormat::kGroupedF8 ? -1 : MSC_FORMAT_I16;
  MSC_CHECK_ARGUMENT(desc.group_rows == 1, "desc->group_rows is %lld, expected 1: one scale a row and group of columns",
                     static_cast<long long>(desc.group_rows));
  const int64_t least = shape.elements;
  const bool power = desc.group_cols >= least && (desc.group_cols & (desc.group_cols - 1)) == 0;
  MSC_CHECK_ARGUMENT(power || (desc.group_cols > 0 && desc.group_cols >= desc.cols),
                     "desc->group_cols is %lld, expected a power of two from %lld on, or all %lld columns",
                     static_cast<long long>(desc.group_cols), static_cast<long long>(least),
                     static_cast<long long>(desc.cols));
  MSC_CHECK_ARGUMENT(desc.scale_format == MSC_FORMAT_F32 && desc.zero_point_format == zeros,
                     "desc->scale_format and zero_point_format are %d and %d, expected %d and %d for %s",
                     desc.scale_format, desc.zero_point_format, MSC_FORMAT_F32, zeros, shape.name);
}

}  // namespace

msc_status msc_weight_format_supported(const msc_device* device, int32_t format, int32_t* supported) {
  return msc::guard(__func__, [&] {
    msc::check_cpu_device(device);
    msc::check_pointer(supported, "supported");
    msc::cpu::NativeFormat native;
    *supported = msc::cpu::find_native_format(format, &native) ? 1 : 0;
  });
}

msc_status msc_weight_create(msc_device* device, const msc_weight_desc* desc, msc_weight** weight) {
  return msc::guard(__func__, [&] {
    msc::check_cpu_device(device);
    msc::check_struct(desc, "desc");
    msc::check_pointer(weight, "weight");
    msc::cpu::NativeFormat native;
    MSC_CHECK_ARGUMENT(msc::cpu::find_native_format(desc->format, &native),
                       "desc->format is %d, which this device does not run as it is stored "
                       "(msc_weight_format_supported): expand it to float32 with msc_dequantize",
                       desc->format);
    check_desc(*desc);
    check_groups(*desc, native);
    *weight = new msc_weight(device, native, *desc);
  });
}

msc_status msc_weight_destroy(msc_weight* weight) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(weight, "weight");
    delete weight;
  });
}

msc_status msc_weight_load(msc_weight* weight, const msc_weight_slice* slice) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(weight, "weight");
    msc::check_struct(slice, "slice");
    weight->load(*slice);
  });
}

msc_status msc_weight_seal(msc_weight* weight) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(weight, "weight");
    weight->seal();
  });
}

msc_status msc_weight_query(const msc_weight* weight, msc_weight_info* info) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(weight, "weight");
    msc::check_struct(info, "info");
    const msc::cpu::PackedLayout& layout = weight->layout();
    msc_weight_info result = {};
    result.struct_size = sizeof(result);
    result.format = msc::cpu::geometry(layout.format).format;
    result.num_experts = weight->num_experts();
    result.rows = layout.rows;
    result.cols = layout.cols;
    result.packed_bytes_per_expert = layout.matrix_bytes;
    result.packed_bytes = layout.matrix_bytes * static_cast<uint64_t>(weight->num_experts());
    *info = result;
  });
}

msc_status msc_format_block(int32_t format, uint64_t* elements, uint64_t* bytes) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(elements, "elements");
    msc::check_pointer(bytes, "bytes");
    const size_t count = msc::cpu::block_elements(format);
    MSC_CHECK_ARGUMENT(count != 0, "format is %d, expected a value of msc_format", format);
    *elements = count;
    *bytes = msc::cpu::block_bytes(format);
  });
}

msc_status msc_dequantize(int32_t format, const void* source, uint64_t num_elements, float* target) {
  return msc::guard(__func__, [&] {
    MSC_CHECK_ARGUMENT(num_elements <= INT64_MAX, "num_elements is %llu, more than memory holds",
                       static_cast<unsigned long long>(num_elements));
    if (num_elements != 0) {
      msc::check_pointer(source, "source");
      msc::check_pointer(target, "target");
    }
    msc::cpu::dequantize_row(format, source, static_cast<int64_t>(num_elements), target);
  });
}
