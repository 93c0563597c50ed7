#include "cuda/backend/streams.h"

#include "cuda/backend/table_call.h"

namespace msc::cuda {

msc_status create_stream(int32_t device, NativeStream** stream, ErrorText* error) {
  return on_device(device, error, [&] {
    cudaStream_t created = nullptr;
    check(cudaStreamCreateWithFlags(&created, cudaStreamNonBlocking));
    *stream = reinterpret_cast<NativeStream*>(created);
  });
}

msc_status destroy_stream(int32_t device, NativeStream* stream, ErrorText* error) {
  return on_device(device, error, [&] { check(cudaStreamDestroy(as_cuda(stream))); });
}

msc_status synchronize_stream(int32_t device, NativeStream* stream, ErrorText* error) {
  return on_device(device, error, [&] { check(cudaStreamSynchronize(as_cuda(stream))); });
}

msc_status wait_in_stream(int32_t device, NativeStream* stream, NativeEvent* event, ErrorText* error) {
  return on_device(device, error, [&] { check(cudaStreamWaitEvent(as_cuda(stream), as_cuda(event), 0)); });
}

msc_status create_event(int32_t device, NativeEvent** event, ErrorText* error) {
  return on_device(device, error, [&] {
    cudaEvent_t created = nullptr;
    check(cudaEventCreateWithFlags(&created, cudaEventDisableTiming));
    *event = reinterpret_cast<NativeEvent*>(created);
  });
}

msc_status destroy_event(int32_t device, NativeEvent* event, ErrorText* error) {
  return on_device(device, error, [&] { check(cudaEventDestroy(as_cuda(event))); });
}

msc_status record_event(int32_t device, NativeEvent* event, NativeStream* stream, ErrorText* error) {
  return on_device(device, error, [&] { check(cudaEventRecord(as_cuda(event), as_cuda(stream))); });
}

msc_status query_event(int32_t device, NativeEvent* event, int32_t* done, ErrorText* error) {
  return on_device(device, error, [&] {
    const cudaError_t result = cudaEventQuery(as_cuda(event));
    *done = result == cudaSuccess ? 1 : 0;
    if (result == cudaErrorNotReady) {
      (void)cudaGetLastError();
      return;
    }
    check(result);
  });
}

}  // namespace msc::cuda
