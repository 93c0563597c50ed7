# Incremental builds: nothing is started when no input changed.

build_inputs="CMakeLists.txt CMakePresets.json Directory.Build.props Directory.Packages.props global.json \
native/CMakeLists.txt native/include native/src cmake bindings src"

# inputs_changed STAMP: whether any build input is newer than the stamp, or files came or went since.
inputs_changed() {
  local stamp=$1
  [ -f "$stamp" ] || return 0
  [ "$(list_inputs)" = "$(cat "$stamp")" ] || return 0
  # shellcheck disable=SC2086
  [ -n "$(find $build_inputs -type f -newer "$stamp" -print -quit 2>/dev/null)" ]
}

list_inputs() {
  # shellcheck disable=SC2086
  find $build_inputs -type f 2>/dev/null | LC_ALL=C sort | cksum
}

# build_native PRESET [TARGET]: everything, or one target.
build_native() {
  local preset=$1 target=${2:-all} tests=ON
  # Only the test command installs GoogleTest; the program builds without it.
  [ -e /usr/include/gtest/gtest.h ] || tests=OFF
  cmake --preset "$preset" -DMSC_BUILD_TESTS=$tests >out/log/configure-"$preset".log 2>&1 || { cat out/log/configure-"$preset".log >&2; return 1; }
  cmake --build --preset "$preset" --target "$target" >out/log/build-"$preset".log 2>&1 || { cat out/log/build-"$preset".log >&2; return 1; }
}

# Leaves a runnable program at out/bin/moesaic.
build_program() {
  local stamp=out/.program-stamp listing
  [ -x out/bin/moesaic ] && ! inputs_changed "$stamp" && return 0
  mkdir -p out/log
  listing=$(list_inputs)
  local marker=out/.program-started
  touch "$marker"
  ensure_packages build
  ensure_dotnet
  echo "Building the native library ..." >&2
  build_native release moesaic
  echo "Building the program ..." >&2
  # The program finds its runtime by a path relative to itself, so it needs no environment, wherever the SDK lies.
  # Given as environment variables, since their values hold what the command line would take apart.
  local relative
  relative=$(realpath --relative-to="$root/out/bin" "$dotnet_root")
  AppHostRelativeDotNet=$relative AppHostDotNetSearch="AppRelative;EnvironmentVariable;Global" \
    "$dotnet" publish src/Moesaic.Cli/Moesaic.Cli.csproj -c Release -o out/bin --nologo -v quiet \
    >out/log/publish-program.log 2>&1 || { cat out/log/publish-program.log >&2; return 1; }
  echo "$listing" >"$stamp"
  touch -r "$marker" "$stamp"
}
