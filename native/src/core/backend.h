#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "moesaic/device.h"

namespace msc {

/// What a device does besides ops: memory, copies, and the order of work. One object a device; its functions throw Error
/// and may be called from several threads, for different streams. Handles of streams and events mean something to the
/// backend that made them only; NULL is one.
class Backend {
 public:
  using Handle = void*;

  virtual ~Backend() = default;
  virtual msc_backend kind() const noexcept = 0;

  /// Zeroed memory of the device, aligned to 64 bytes. `bytes` > 0.
  virtual std::byte* allocate(uint64_t bytes) = 0;
  virtual void free(std::byte* data, uint64_t bytes) noexcept = 0;

  virtual Handle create_stream() = 0;
  virtual void destroy_stream(Handle stream) noexcept = 0;
  virtual void synchronize(Handle stream) = 0;

  virtual Handle create_event() = 0;
  virtual void destroy_event(Handle event) noexcept = 0;
  virtual void record(Handle event, Handle stream) = 0;
  virtual bool is_done(Handle event) = 0;

  /// After the work of the stream so far. `source` may be reused when the call returns.
  virtual void upload(Handle stream, std::byte* target, const void* source, uint64_t bytes) = 0;
  /// After the work of the stream so far; `target` is valid once the stream was synchronised.
  virtual void download(Handle stream, void* target, const std::byte* source, uint64_t bytes) = 0;
};

/// Host memory; everything is done when its call returns.
std::unique_ptr<Backend> make_cpu_backend();

}  // namespace msc
