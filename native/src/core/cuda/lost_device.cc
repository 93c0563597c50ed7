#include "core/cuda/lost_device.h"

#include <map>
#include <utility>

#include "core/error.h"

namespace msc::cuda {

std::shared_ptr<LostDevice> LostDevice::of(const LibraryTable* table, int32_t ordinal) {
  static std::mutex mutex;
  static std::map<std::pair<const LibraryTable*, int32_t>, std::shared_ptr<LostDevice>> all;
  const std::lock_guard lock(mutex);
  std::shared_ptr<LostDevice>& device = all[{table, ordinal}];
  if (device == nullptr) {
    device = std::make_shared<LostDevice>();
  }
  return device;
}

void LostDevice::check() const {
  const std::lock_guard lock(mutex_);
  if (!reason_.empty()) {
    throw_error(MSC_STATUS_DEVICE_LOST, "the device was lost before this call: %s; restart the worker", reason_.c_str());
  }
}

void LostDevice::set(std::string reason) {
  const std::lock_guard lock(mutex_);
  if (reason_.empty()) {
    reason_ = std::move(reason);
  }
}

}  // namespace msc::cuda
