#pragma once

// What a file of op tests includes. See native/README.md, "Op tests", and buffer_copy.cc for a worked example.
#include "tests/ops/harness/batches.h"
#include "tests/ops/harness/compare.h"
#include "tests/ops/harness/random.h"
#include "tests/ops/harness/registry.h"
#include "tests/ops/harness/session.h"
#include "tests/ops/harness/weights.h"
