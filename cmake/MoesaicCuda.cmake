# The CUDA part (preset `cuda`): every kernel compiled by nvcc, with a report of registers and spills.
# A toolkit is a folder with bin/nvcc, 12.4 or later: $CUDA_HOME or $CUDA_PATH, nvcc's own on the PATH, /usr/local/cuda, and
# then .tools/cuda, which scripts/get-cuda-toolkit.sh fills.

set(MSC_CUDA_OLDEST 12.4)

# Sets MSC_NVCC and MSC_CUDA_VERSION in the caller, or fails with the command to run.
function(msc_find_cuda_toolkit)
  set(tried "")
  find_program(on_path nvcc NO_CACHE)
  foreach(nvcc IN ITEMS "$ENV{CUDA_HOME}/bin/nvcc" "$ENV{CUDA_PATH}/bin/nvcc" "${on_path}" "/usr/local/cuda/bin/nvcc"
          "${PROJECT_SOURCE_DIR}/.tools/cuda/bin/nvcc")
    if(NOT EXISTS "${nvcc}")
      continue()
    endif()
    execute_process(COMMAND "${nvcc}" --version OUTPUT_VARIABLE text ERROR_QUIET)
    if(text MATCHES "release ([0-9]+\\.[0-9]+)" AND CMAKE_MATCH_1 VERSION_GREATER_EQUAL MSC_CUDA_OLDEST)
      set(MSC_NVCC "${nvcc}" PARENT_SCOPE)
      set(MSC_CUDA_VERSION "${CMAKE_MATCH_1}" PARENT_SCOPE)
      return()
    endif()
    string(APPEND tried "\n  ${nvcc} is ${CMAKE_MATCH_1}, older than ${MSC_CUDA_OLDEST}")
  endforeach()
  message(FATAL_ERROR "No CUDA toolkit from ${MSC_CUDA_OLDEST} on was found.${tried}\n"
    "Set CUDA_HOME to an installed one, or run: scripts/get-cuda-toolkit.sh")
endfunction()

# Compiles each .cu file below native/src/cuda for Hopper (its own code) and as PTX for compute capability 8.0; ptxas's
# reports lie beside the objects as NAME.ptxas.txt. -fmad=false: a multiply-add is fused where the source says so.
function(msc_add_cuda_kernels name)
  msc_find_cuda_toolkit()
  message(STATUS "CUDA ${MSC_CUDA_VERSION}: ${MSC_NVCC}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/native/src/cuda/*.cu")
  set(objects "")
  foreach(source IN LISTS sources)
    get_filename_component(stem "${source}" NAME_WE)
    set(object "${PROJECT_BINARY_DIR}/cuda/${stem}.o")
    add_custom_command(OUTPUT "${object}" "${PROJECT_BINARY_DIR}/cuda/${stem}.ptxas.txt"
      COMMAND ${CMAKE_COMMAND} "-DNVCC=${MSC_NVCC}" "-DHOST=${CMAKE_CXX_COMPILER}" "-DSOURCE=${source}" "-DOBJECT=${object}"
              "-DROOT=${PROJECT_SOURCE_DIR}/native" "-DREPORT=${PROJECT_BINARY_DIR}/cuda/${stem}.ptxas.txt"
              -P "${PROJECT_SOURCE_DIR}/cmake/CompileCuda.cmake"
      DEPENDS "${source}" "${PROJECT_SOURCE_DIR}/cmake/CompileCuda.cmake"
      DEPFILE "${object}.d" VERBATIM COMMENT "nvcc ${stem}.cu")
    list(APPEND objects "${object}")
  endforeach()
  add_custom_target(${name} ALL DEPENDS ${objects})
endfunction()
