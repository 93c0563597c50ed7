#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/device.h"
#include "cpu/weight/packed_layout.h"
#include "moesaic/weight.h"

/// Packed matrices of one shape, filled slice by slice, then sealed.
struct msc_weight {
  /// `desc` is checked apart from the shape.
  msc_weight(msc_device* owner, msc::cpu::NativeFormat format, const msc_weight_desc& desc);
  ~msc_weight();
  msc_weight(const msc_weight&) = delete;
  msc_weight& operator=(const msc_weight&) = delete;

  /// Thread-safe for slices that do not overlap; refuses a row that was loaded before.
  void load(const msc_weight_slice& slice);
  void seal();

  bool is_sealed() const { return sealed_.load(std::memory_order_acquire); }
  int64_t num_experts() const { return num_experts_; }
  const msc::cpu::PackedLayout& layout() const { return layout_; }
  msc::cpu::PackedMatrix expert(int64_t index) const {
    return {layout_, memory_.get() + static_cast<size_t>(index) * layout_.matrix_bytes,
            permutation_.empty() ? nullptr : permutation_.data()};
  }
  bool is_permuted() const { return !permutation_.empty(); }

  msc_device* device;

 private:
  void mark_loaded(int64_t expert, int64_t row_begin, int64_t row_end);
  int64_t count_missing(int64_t* first) const;
  void check_parts(const msc_weight_slice& slice) const;
  void check_scales(const msc_weight_slice& slice) const;
  /// The first slice says whether and how columns are permuted; the others must agree.
  void take_permutation(const int32_t* permutation);

  msc::cpu::PackedLayout layout_;
  int64_t num_experts_;
  std::shared_ptr<std::byte> memory_;
  std::unique_ptr<std::atomic<uint64_t>[]> loaded_;  // one bit a row, expert by expert
  std::mutex permutation_lock_;
  bool has_order_ = false;  // whether a slice was there to say
  std::vector<int32_t> permutation_;
  std::atomic<bool> sealed_{false};
};
