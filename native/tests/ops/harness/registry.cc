#include "tests/ops/harness/registry.h"

#include <utility>

namespace optest {

std::vector<Case>& cases() {
  static std::vector<Case> instance;
  return instance;
}

void add_case(std::string op, std::string name, std::function<void(Session&)> body) {
  cases().push_back({std::move(op), std::move(name), std::move(body), false});
}

void add_timed_case(std::string op, std::string name, std::function<void(Session&)> body) {
  cases().push_back({std::move(op), std::move(name), std::move(body), true});
}

}  // namespace optest
