#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/error.h"

namespace cuda_ops {

/// refuse(change, part): plan(params) of good parameters after change(params) must throw Error (bad argument) whose text has
/// `part`; `good` itself must not.
template <class Params, class Plan>
auto refusals(const Params& good, Plan plan) {
  EXPECT_NO_THROW(plan(good));
  return [good, plan](auto change, const char* part) {
    Params params = good;
    change(params);
    try {
      plan(params);
      ADD_FAILURE() << "accepted; expected: " << part;
    } catch (const msc::Error& error) {
      EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, error.status());
      EXPECT_NE(std::string::npos, error.text().find(part)) << error.text();
    }
  };
}

}  // namespace cuda_ops
