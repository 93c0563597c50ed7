#include "moesaic/calibrate.h"

#include "abi/arguments.h"
#include "abi/cpu_only.h"
#include "core/device.h"
#include "core/guard.h"
#include "cpu/calibrate/calibrate.h"

msc_status msc_calibrate_read_bandwidth(msc_stream* stream, uint64_t buffer_bytes, double seconds,
                                        msc_calibration* result) {
  return msc::guard(__func__, [&] {
    msc::check_cpu_stream(stream);
    msc::check_struct(result, "result");
    *result = msc::calibrate::read_bandwidth(*stream->device, buffer_bytes, seconds);
  });
}

msc_status msc_calibrate_peak(msc_stream* stream, int32_t peak, double seconds, msc_calibration* result) {
  return msc::guard(__func__, [&] {
    msc::check_cpu_stream(stream);
    msc::check_struct(result, "result");
    *result = msc::calibrate::peak(*stream->device, peak, seconds);
  });
}
