# CUDA sources compiled by the host's compiler for the test-only layer that executes grids on the CPU.

# The layer itself.
function(msc_add_cuda_layer name)
  file(GLOB layer_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/native/tests/cuda/layer/*.cc")
  add_library(${name} OBJECT ${layer_sources})
  target_link_libraries(${name} PUBLIC moesaic_options)
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}/native" "${PROJECT_SOURCE_DIR}/native/tests/cuda/layer")
endfunction()

# Kernels and their launchers: the instrumentation calls the layer before every access. -O1 keeps accesses as written.
function(msc_add_kernels_on_cpu name)
  add_library(${name} OBJECT ${ARGN})
  set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX)
  target_link_libraries(${name} PUBLIC moesaic_options)
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}/native" "${PROJECT_SOURCE_DIR}/native/tests/cuda/layer")
  target_compile_options(${name} PRIVATE -xc++ -fsanitize=thread -O1 -Wno-unknown-pragmas)
endfunction()
