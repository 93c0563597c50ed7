#include "core/cuda/cuda_backend.h"

#include "core/cuda/lost_device.h"
#include "core/error.h"

namespace msc::cuda {
namespace {

constexpr int32_t kOldestMajor = 8;  // compute capability 8.0: the PTX in the library
constexpr int32_t kOwnCodeMajor = 9, kOwnCodeMinor = 0;  // sm_90a runs on 9.0 alone

/// Calls a function of the table and throws what it says.
template <class Function, class... Arguments>
void call(const char* what, Function function, Arguments... arguments) {
  ErrorText error;
  error.text[0] = '\0';
  const msc_status status = function(arguments..., &error);
  if (status != MSC_STATUS_OK) {
    error.text[sizeof(error.text) - 1] = '\0';
    throw_error(status, "%s failed: %s", what, error.text[0] == '\0' ? "the library gave no reason" : error.text);
  }
}

const LibraryTable& table_of(const Installation& installation) {
  MSC_CHECK_ARGUMENT(installation.table != nullptr, "CUDA devices cannot be used: %s", installation.problem.c_str());
  return *installation.table;
}

class CudaBackend final : public Backend {
 public:
  CudaBackend(const LibraryTable& table, int32_t device)
      : table_(table), device_(device), lost_(LostDevice::of(&table, device)) {
    run("opening the device", table_.device_open);
  }

  msc_backend kind() const noexcept override { return MSC_BACKEND_CUDA; }

  std::byte* allocate(uint64_t bytes) override {
    void* address = nullptr;
    try {
      run("allocating device memory", table_.memory_allocate, bytes, &address);
    } catch (const Error& error) {
      if (error.status() != MSC_STATUS_OUT_OF_RESOURCE) {
        throw;
      }
      uint64_t free = 0;
      run("reading how much memory is free", table_.device_free_bytes, &free);
      throw_error(MSC_STATUS_OUT_OF_RESOURCE, "%llu bytes of device memory were asked for, %llu are free (%s)",
                  static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(free), error.what());
    }
    return static_cast<std::byte*>(address);
  }
  void free(std::byte* data, uint64_t) noexcept override {
    if (data != nullptr) {
      give_up(table_.memory_free, data);
    }
  }

  Handle create_stream() override {
    NativeStream* stream = nullptr;
    run("creating a stream", table_.stream_create, &stream);
    return stream;
  }
  void destroy_stream(Handle stream) noexcept override { give_up(table_.stream_destroy, as_stream(stream)); }
  void synchronize(Handle stream) override { run("work of the stream", table_.stream_synchronize, as_stream(stream)); }

  Handle create_event() override {
    NativeEvent* event = nullptr;
    run("creating an event", table_.event_create, &event);
    return event;
  }
  void destroy_event(Handle event) noexcept override { give_up(table_.event_destroy, as_event(event)); }
  void record(Handle event, Handle stream) override {
    run("recording an event", table_.event_record, as_event(event), as_stream(stream));
  }
  bool is_done(Handle event) override {
    int32_t done = 0;
    run("work before the event", table_.event_query, as_event(event), &done);
    return done != 0;
  }

  void upload(Handle stream, std::byte* target, const void* source, uint64_t bytes) override {
    run("copying to the device", table_.copy_to_device, as_stream(stream), target, source, bytes);
  }
  void download(Handle stream, void* target, const std::byte* source, uint64_t bytes) override {
    run("copying from the device", table_.copy_to_host, as_stream(stream), target, source, bytes);
  }

 private:
  static NativeStream* as_stream(Handle handle) { return static_cast<NativeStream*>(handle); }
  static NativeEvent* as_event(Handle handle) { return static_cast<NativeEvent*>(handle); }

  /// The lost device is remembered, since its next call may only say that there was an error before.
  template <class Function, class... Arguments>
  void run(const char* what, Function function, Arguments... arguments) {
    lost_->check();
    try {
      call(what, function, device_, arguments...);
    } catch (const Error& error) {
      if (error.status() == MSC_STATUS_DEVICE_LOST) {
        lost_->set(error.text());
      }
      throw;
    }
  }

  /// What cannot be freed on a lost device went with it.
  template <class Function, class Object>
  void give_up(Function function, Object* object) noexcept {
    ErrorText ignored;
    function(device_, object, &ignored);
  }

  const LibraryTable& table_;
  int32_t device_;
  std::shared_ptr<LostDevice> lost_;
};

}  // namespace

int32_t device_count(const Installation& installation) {
  int32_t count = 0;
  call("counting CUDA devices", table_of(installation).device_count, &count);
  return count;
}

DeviceProperties device_properties(const Installation& installation, int32_t ordinal) {
  const int32_t count = device_count(installation);
  MSC_CHECK_ARGUMENT(count > 0, "the NVIDIA driver finds no CUDA device: look at nvidia-smi and CUDA_VISIBLE_DEVICES");
  MSC_CHECK_ARGUMENT(ordinal >= 0 && ordinal < count, "there is no CUDA device %d: the driver finds %d, numbered from 0",
                     ordinal, count);
  DeviceProperties properties = {};
  call("reading a device's properties", installation.table->device_properties, ordinal, &properties);
  properties.name[sizeof(properties.name) - 1] = '\0';
  return properties;
}

std::string device_problem(const Installation& installation, int32_t ordinal, const DeviceProperties& properties) {
  const std::string device = "CUDA device " + std::to_string(ordinal) + " (" + properties.name + ")";
  const std::string capability =
      std::to_string(properties.compute_major) + "." + std::to_string(properties.compute_minor);
  if (properties.compute_major < kOldestMajor) {
    return device + " has compute capability " + capability + ", the kernels need at least 8.0: use a newer card or the CPU";
  }
  const bool has_own_code = properties.compute_major == kOwnCodeMajor && properties.compute_minor == kOwnCodeMinor;
  const uint32_t toolkit = installation.table->toolkit_version;
  if (!driver_runs(installation.driver_version, toolkit, !has_own_code)) {
    return device + " has compute capability " + capability + ", for which the driver compiles the kernels; it runs CUDA " +
           version_text(installation.driver_version) + ", they were built with CUDA " + version_text(toolkit) +
           ": install a newer driver";
  }
  return {};
}

std::unique_ptr<Backend> make_cuda_backend(const Installation& installation, int32_t ordinal) {
  const DeviceProperties properties = device_properties(installation, ordinal);
  const std::string problem = device_problem(installation, ordinal, properties);
  MSC_CHECK_ARGUMENT(problem.empty(), "%s", problem.c_str());
  return std::make_unique<CudaBackend>(*installation.table, ordinal);
}

}  // namespace msc::cuda
