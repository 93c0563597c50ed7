#include "core/section_queue.h"

namespace msc {

SectionQueue::~SectionQueue() {
  for (Slot& slot : slots_) {
    destroy(slot);
  }
}

SectionQueue::End::~End() {
  queue_.end_ = queue_.num_queued_;
  queue_.has_ended_.store(true, std::memory_order_release);
  queue_.num_published_.advance();
}

void SectionQueue::destroy(Slot& slot) noexcept {
  if (slot.section != nullptr) {
    slot.destroy(std::exchange(slot.section, nullptr));
  }
}

uint32_t SectionQueue::begin() {
  for (Slot& slot : slots_) {
    destroy(slot);  // left behind by a launch that failed
  }
  num_queued_ = num_done_ = num_published_.load();
  is_working_ = false;
  has_ended_.store(false, std::memory_order_relaxed);
  return num_queued_;
}

void SectionQueue::publish() {
  ++num_queued_;
  num_published_.advance();
  if (num_queued_ - num_done_ == kSlots) {
    finish_oldest();
  }
}

void SectionQueue::settle() {
  while (num_done_ != num_queued_) {
    finish_oldest();
  }
}

void SectionQueue::finish_oldest() {
  Slot& slot = slots_[num_done_ % kSlots];
  is_working_ = true;
  call(slot, 0);
  pool_.barrier();
  is_working_ = false;
  ++num_done_;
  destroy(slot);
}

void SectionQueue::call(const Slot& slot, unsigned thread) const {
  // What one thread does alone the last one does: thread 0 has the next section to plan.
  if (!slot.is_alone || thread + 1 == pool_.num_threads()) {
    slot.work(slot.section, thread);
  }
}

void SectionQueue::work(unsigned thread, uint32_t first) {
  for (uint32_t next = first;; ++next) {
    num_published_.wait_while(next, pool_.spin_microseconds());
    if (has_ended_.load(std::memory_order_acquire) && next == end_) {
      return;
    }
    call(slots_[next % kSlots], thread);
    pool_.barrier();
  }
}

}  // namespace msc
