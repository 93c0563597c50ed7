#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "moesaic/device.h"
#include "tests/ops/harness/guarded_tensor.h"
#include "tests/ops/harness/random.h"
#include "tests/ops/harness/timing.h"
#include "tests/ops/harness/variants.h"

namespace optest {

/// One run of one case on one device. Makes tensors, runs ops and checks after each that nothing was written where it
/// must not be: guard bands, inputs. What it made lives as long as it does.
class Session {
 public:
  /// @param launches ops are captured in a graph, which is launched, in place of running at once.
  Session(const Variant& variant, uint32_t num_threads, const std::string& case_name, Timer* timer, bool launches = false);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Variant& variant() const { return variant_; }
  uint32_t num_threads() const { return num_threads_; }
  msc_device* device() const { return device_; }
  msc_stream* stream() const { return stream_; }
  /// Seeded by the case's name: the same data for every variant and thread count.
  Rng& rng() { return rng_; }
  /// True in --time mode: comparisons that take long may be left out.
  bool timing() const { return timer_ != nullptr; }

  /// Tensors that ops must leave as they are.
  GuardedTensor& input(const std::string& name, int64_t rows, int64_t cols, const std::vector<float>& values,
                       Layout layout = {});
  GuardedTensor& input(const std::string& name, int64_t rows, int64_t cols, const std::vector<int32_t>& values,
                       Layout layout = {});
  /// Tensors that ops write; NaN (a negative integer) until then. The content must not depend on the thread count.
  GuardedTensor& output(const std::string& name, int64_t rows, int64_t cols, Layout layout = {},
                        int32_t format = MSC_FORMAT_F32);
  /// A tensor that ops read and write.
  GuardedTensor& inout(const std::string& name, int64_t rows, int64_t cols, const std::vector<float>& values,
                       Layout layout = {});

  /// Runs `call`, which must succeed, then checks guards and inputs. In --time mode, given `work`, it is then repeated and
  /// timed, and the tensors are put back to what the first run left.
  void run(const std::function<msc_status()>& call, const Work& work = {});

  /// Runs `call`, which must be refused; nothing may have changed.
  void run_refused(const std::function<msc_status()>& call, msc_status status, const std::vector<std::string>& parts);

  /// Releases `release` when the session ends, before its device is used by others.
  void keep(std::function<void()> release) { releases_.push_back(std::move(release)); }

  /// Bits of every output and inout tensor, by name.
  std::map<std::string, std::vector<uint32_t>> output_bits() const;

 private:
  struct Entry {
    std::unique_ptr<GuardedTensor> tensor;
    bool writable;
    std::vector<uint32_t> input_bits;  // of tensors that are not writable
  };
  GuardedTensor& add(const std::string& name, int64_t rows, int64_t cols, int32_t format, Layout layout, bool writable);
  /// Runs `call` in the session's way.
  msc_status submit(const std::function<msc_status()>& call);
  void check_untouched(const char* when) const;

  const Variant& variant_;
  uint32_t num_threads_;
  msc_device* device_;
  msc_stream* stream_ = nullptr;
  Rng rng_;
  Timer* timer_;
  bool launches_;
  std::vector<Entry> entries_;
  std::vector<std::function<void()>> releases_;
};

}  // namespace optest
