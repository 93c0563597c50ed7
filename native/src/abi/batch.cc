#include "moesaic/batch.h"

#include "abi/arguments.h"
#include "abi/cpu_only.h"
#include "core/batch_update.h"
#include "core/graph.h"
#include "core/guard.h"

msc_status msc_batch_create(msc_device* device, const msc_batch_limits* limits, msc_batch** batch) {
  return msc::guard(__func__, [&] {
    msc::check_cpu_device(device);
    msc::check_struct(limits, "limits");
    msc::check_pointer(batch, "batch");
    *batch = new msc_batch(device, *limits);
  });
}

msc_status msc_batch_destroy(msc_batch* batch) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(batch, "batch");
    delete batch;
  });
}

msc_status msc_batch_update(msc_batch* batch, msc_stream* stream, const msc_batch_desc* desc) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(batch, "batch");
    msc::check_cpu_stream(stream);
    msc::check_struct(desc, "desc");
    msc::check_reserved(desc->reserved, "desc->reserved");
    MSC_CHECK_ARGUMENT(stream->device == batch->device, "batch and stream belong to different devices");
    msc::refuse_capture(*stream, "msc_batch_update");
    msc::update_batch(*batch, *desc);
  });
}
