# The CUDA part (preset `cuda`): every kernel compiled by nvcc, with a report of registers and spills, and the library that
# libmoesaic loads for CUDA devices (src/decisions/cuda-library.md).
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

# Sets `result` to the file `name` of the toolkit's libraries, or fails.
function(msc_find_cuda_library result name)
  get_filename_component(toolkit "${MSC_NVCC}" REALPATH)
  get_filename_component(toolkit "${toolkit}/../.." ABSOLUTE)
  foreach(folder IN ITEMS lib64 lib targets/x86_64-linux/lib targets/sbsa-linux/lib lib/x86_64-linux-gnu)
    if(EXISTS "${toolkit}/${folder}/${name}")
      set(${result} "${toolkit}/${folder}/${name}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "The CUDA toolkit ${toolkit} has no ${name}: install its runtime's development files, or set CUDA_HOME "
    "to a toolkit that is whole, or run: scripts/get-cuda-toolkit.sh")
endfunction()

# Compiles `ARGN` for Hopper (its own code) and as PTX for compute capability 8.0, to objects in the folder `folder` of the
# build, whose paths go to `result`; ptxas's reports lie beside them as NAME.ptxas.txt. -fmad=false: a multiply-add is fused
# where the source says so.
function(msc_compile_cuda result folder)
  set(objects "")
  foreach(source IN LISTS ARGN)
    get_filename_component(stem "${source}" NAME_WE)
    set(object "${PROJECT_BINARY_DIR}/${folder}/${stem}.o")
    set(report "${PROJECT_BINARY_DIR}/${folder}/${stem}.ptxas.txt")
    add_custom_command(OUTPUT "${object}" "${report}"
      COMMAND ${CMAKE_COMMAND} "-DNVCC=${MSC_NVCC}" "-DHOST=${CMAKE_CXX_COMPILER}" "-DSOURCE=${source}" "-DOBJECT=${object}"
              "-DROOT=${PROJECT_SOURCE_DIR}/native" "-DREPORT=${report}" -P "${PROJECT_SOURCE_DIR}/cmake/CompileCuda.cmake"
      DEPENDS "${source}" "${PROJECT_SOURCE_DIR}/cmake/CompileCuda.cmake"
      DEPFILE "${object}.d" VERBATIM COMMENT "nvcc ${stem}.cu")
    list(APPEND objects "${object}")
  endforeach()
  set_source_files_properties(${objects} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  set(${result} "${objects}" PARENT_SCOPE)
endfunction()

# Target `name`: every .cu file below native/src/cuda. Sets what the functions below use.
function(msc_add_cuda_kernels name)
  msc_find_cuda_toolkit()
  message(STATUS "CUDA ${MSC_CUDA_VERSION}: ${MSC_NVCC}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/native/src/cuda/*.cu")
  msc_compile_cuda(objects cuda ${sources})
  add_custom_target(${name} ALL DEPENDS ${objects})
  msc_find_cuda_library(runtime libcudart_static.a)
  set(MSC_CUDA_OBJECTS "${objects}" PARENT_SCOPE)
  set(MSC_CUDA_RUNTIME "${runtime}" rt PARENT_SCOPE)
  set(MSC_NVCC "${MSC_NVCC}" PARENT_SCOPE)
endfunction()

# Links the kernels, their plans and the runtime into the library `name`: it needs the C library alone, finds the driver at
# run time, and exports one function.
function(msc_add_cuda_library name)
  file(GLOB_RECURSE plans CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/native/src/cuda/*.cc")
  add_library(${name} SHARED ${plans} "${PROJECT_SOURCE_DIR}/native/src/core/error.cc" ${MSC_CUDA_OBJECTS})
  set(version_script "${PROJECT_SOURCE_DIR}/native/exports_cuda.map")
  target_link_libraries(${name} PRIVATE moesaic_options ${MSC_CUDA_RUNTIME})
  target_link_options(${name} PRIVATE -Wl,--as-needed -Wl,-z,relro,-z,now -Wl,--no-undefined -static-libstdc++ -static-libgcc
    "-Wl,--version-script=${version_script}")
  set_target_properties(${name} PROPERTIES LINK_DEPENDS "${version_script}")
endfunction()

# Links the CUDA op tests for a device. Test sources see the layer's declarations, behind which device/ allocates memory of
# the device; kernels are the library's objects.
function(msc_add_cuda_op_tests name)
  set(tests "${PROJECT_SOURCE_DIR}/native/tests")
  file(GLOB sources CONFIGURE_DEPENDS "${tests}/cuda/ops/*.cc" "${tests}/cuda/device/*.cc" "${tests}/ops/harness/*.cc"
    "${tests}/ops/*_reference.cc")
  list(FILTER sources EXCLUDE REGEX "/harness/main\\.cc$")
  file(GLOB_RECURSE plans CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/native/src/cuda/*.cc")
  file(GLOB device_sources CONFIGURE_DEPENDS "${tests}/cuda/device/*.cu")
  msc_compile_cuda(device_objects cuda_tests ${device_sources})
  # device/ has the check of launches, which counts them, too.
  set(kernels ${MSC_CUDA_OBJECTS})
  list(FILTER kernels EXCLUDE REGEX "/launch_error\\.o$")
  add_executable(${name} ${sources} "${tests}/cuda/layer/small_float.cc" ${plans} ${device_objects} ${kernels})
  target_link_libraries(${name} PRIVATE moesaic_core moesaic_abi ${MSC_CUDA_RUNTIME} GTest::gtest)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/native")
  target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc)  # carried to machines that have a driver only
  add_dependencies(${name} moesaic_cuda)
endfunction()
