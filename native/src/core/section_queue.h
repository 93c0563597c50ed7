#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "core/scratch.h"
#include "core/thread_pool.h"
#include "core/wait_word.h"

namespace msc {

/// Runs many sections one after another within a single section of the pool: thread 0 plans the next one while the others
/// work on the one before, and between two of them lies one barrier in place of a join and a fork.
class SectionQueue {
 public:
  explicit SectionQueue(ThreadPool& pool) : pool_(pool) {}
  ~SectionQueue();
  SectionQueue(const SectionQueue&) = delete;
  SectionQueue& operator=(const SectionQueue&) = delete;

  /// Calls submit() on the calling thread; what it queues is done when run returns. The first exception is rethrown.
  template <class Submit>
  void run(Submit&& submit) {
    const uint32_t first = begin();
    pool_.run([&](unsigned thread) {
      if (thread != 0) {
        work(thread, first);
        return;
      }
      const End end(*this);
      try {
        submit();
      } catch (...) {
        if (!is_working_) {
          settle();  // The plan failed; the others wait for thread 0 in the section before.
        }
        throw;
      }
      settle();
    });
  }

  /// From within submit(): makes a Section in the queue's memory and lets the other threads begin it as soon as all
  /// before are done. At most one section is left waiting for thread 0 when this returns.
  template <class Section, class... Args>
  void emplace(Args&&... args) {
    static_assert(alignof(Section) <= 64);
    Slot& slot = slots_[num_queued_ % kSlots];
    auto* section = new (slot.storage.take(sizeof(Section))) Section(std::forward<Args>(args)...);
    slot.section = section;
    slot.is_alone = section->is_alone();
    slot.work = [](void* self, unsigned thread) { static_cast<Section*>(self)->work(thread); };
    slot.destroy = [](void* self) { static_cast<Section*>(self)->~Section(); };
    publish();
  }

  /// From within submit(): works until all that is queued is done, so that its results can be read.
  void settle();

  /// Scratch memory of the section that is made next; apart from that of the one still running.
  std::byte* scratch(size_t bytes) { return slots_[num_queued_ % kSlots].scratch.take(bytes); }

 private:
  static constexpr unsigned kSlots = 2;

  struct Slot {
    void* section = nullptr;
    void (*work)(void* section, unsigned thread) = nullptr;
    void (*destroy)(void* section) = nullptr;
    bool is_alone = false;
    Scratch storage;
    Scratch scratch;
  };

  /// Lets the other threads go, whatever happens.
  struct End {
    explicit End(SectionQueue& queue) : queue_(queue) {}
    ~End();
    End(const End&) = delete;
    End& operator=(const End&) = delete;
    SectionQueue& queue_;
  };

  uint32_t begin();
  void publish();
  void finish_oldest();
  void work(unsigned thread, uint32_t first);
  void call(const Slot& slot, unsigned thread) const;
  static void destroy(Slot& slot) noexcept;

  ThreadPool& pool_;
  Slot slots_[kSlots];
  uint32_t num_queued_ = 0;  // thread 0's; as the next two, all counted on from launch to launch
  uint32_t num_done_ = 0;    // thread 0's
  bool is_working_ = false;  // thread 0, on a section
  WaitWord num_published_;
  std::atomic<bool> has_ended_{false};
  uint32_t end_ = 0;  // written before has_ended_
};

}  // namespace msc
