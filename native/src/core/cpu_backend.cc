#include <cstring>

#include "core/backend.h"
#include "core/memory.h"

namespace msc {
namespace {

class CpuBackend final : public Backend {
 public:
  msc_backend kind() const noexcept override { return MSC_BACKEND_CPU; }

  std::byte* allocate(uint64_t bytes) override { return allocate_zeroed(bytes); }
  void free(std::byte* data, uint64_t bytes) noexcept override { free_zeroed(data, bytes); }

  Handle create_stream() override { return nullptr; }
  void destroy_stream(Handle) noexcept override {}
  void synchronize(Handle) override {}

  Handle create_event() override { return nullptr; }
  void destroy_event(Handle) noexcept override {}
  void record(Handle, Handle) override {}
  bool is_done(Handle) override { return true; }

  void upload(Handle, std::byte* target, const void* source, uint64_t bytes) override {
    std::memcpy(target, source, bytes);
  }
  void download(Handle, void* target, const std::byte* source, uint64_t bytes) override {
    std::memcpy(target, source, bytes);
  }
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend() { return std::make_unique<CpuBackend>(); }

}  // namespace msc
