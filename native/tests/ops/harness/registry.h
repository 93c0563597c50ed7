#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/ops/harness/session.h"

namespace optest {

struct Case {
  std::string op;
  std::string name;  // unique within the op; its shape and what is special about it
  std::function<void(Session&)> body;
  bool timed_only;
};

std::vector<Case>& cases();

/// A case that is checked on every variant, with 1, 2 and 3 threads (whose outputs must agree bit by bit), and timed in
/// --time mode.
void add_case(std::string op, std::string name, std::function<void(Session&)> body);

/// A case too large to check: it runs in --time mode alone.
void add_timed_case(std::string op, std::string name, std::function<void(Session&)> body);

struct Registrar {
  explicit Registrar(void (*add_cases)()) { add_cases(); }
};

}  // namespace optest

/// Opens a function that adds the cases of one file: OP_CASES(rms_norm) { add_case("rms_norm", ...); }
#define OP_CASES(name)                                                 \
  static void add_cases_of_##name();                                   \
  static const ::optest::Registrar registrar_of_##name(add_cases_of_##name); \
  static void add_cases_of_##name()
