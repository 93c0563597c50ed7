# Links a shared library from the core objects and the object library of ABI entries `abi_objects`.
# It exports msc_* and nothing else, and carries its own C++ runtime so that it loads on older distributions.
function(msc_add_shared_library name abi_objects)
  add_library(${name} SHARED)
  target_link_libraries(${name} PRIVATE moesaic_core ${abi_objects})
  if(WIN32 OR APPLE OR MSC_SANITIZE)
    return()
  endif()
  set(version_script "${PROJECT_SOURCE_DIR}/native/exports.map")
  target_link_options(${name} PRIVATE
    -static-libstdc++ -static-libgcc
    -Wl,--no-undefined -Wl,--as-needed -Wl,--gc-sections -Wl,-z,relro,-z,now
    "-Wl,--version-script=${version_script}")
  set_target_properties(${name} PROPERTIES LINK_DEPENDS "${version_script}")
endfunction()
