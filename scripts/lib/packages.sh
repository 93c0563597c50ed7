# System packages: what each purpose needs, and how to get it. Sourced by build.sh and the scripts beside it.

# Programs and headers that must be there, as "probe:debian-package" (probe: a command, or a file path).
packages_build="cmake:cmake ninja:ninja-build g++:g++ git:git"
packages_test="/usr/include/gtest/gtest.h:libgtest-dev /usr/include/gmock/gmock.h:libgmock-dev \
/usr/include/benchmark/benchmark.h:libbenchmark-dev /usr/include/simde/x86/avx512.h:libsimde-dev chromium:chromium node:nodejs npm:npm"

# ensure_packages build|test: installs what is missing through the system's package manager, or says the exact command.
ensure_packages() {
  local purpose=$1 list missing=() entry probe package
  case "$purpose" in
    build) list=$packages_build ;;
    test) list=$packages_test ;;
  esac
  for entry in $list; do
    probe=${entry%%:*} package=${entry#*:}
    case "$probe" in
      /*) [ -e "$probe" ] || missing+=("$package") ;;
      *) command -v "$probe" >/dev/null 2>&1 || missing+=("$package") ;;
    esac
  done
  if [ "$purpose" = test ] && ! has_libclang; then
    missing+=("$(libclang_package)")
  fi
  [ ${#missing[@]} -eq 0 ] && return 0
  install_packages "${missing[@]}"
}

has_libclang() {
  compgen -G "/usr/lib/*/libclang-*.so*" >/dev/null || compgen -G "/usr/lib/llvm-*/lib/libclang*.so*" >/dev/null
}

# The distribution's newest libclang1-N.
libclang_package() {
  apt-cache pkgnames libclang1- 2>/dev/null | grep -E '^libclang1-[0-9]+$' | sort -t- -k2 -n | tail -n 1 | grep . || echo libclang1-14
}

# Whether packages can be installed without asking anybody.
can_install_packages() {
  command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; }; }
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n env DEBIAN_FRONTEND=noninteractive "$@"; fi
}

# Whether the distribution has a package; a fresh machine may have no lists to look into.
has_package() {
  compgen -G "/var/lib/apt/lists/*_Packages*" >/dev/null || as_root apt-get update >/dev/null 2>&1
  apt-cache show "$1" >/dev/null 2>&1
}

install_packages() {
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing on this machine: $*  (Debian's names). Install them with your package manager, then run this again." >&2
    return 1
  fi
  if ! can_install_packages; then
    echo "Missing on this machine; please run, then start again:" >&2
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
      echo "  su -c 'apt-get update && apt-get install -y --no-install-recommends $*'" >&2
    else
      echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends $*" >&2
    fi
    return 1
  fi
  echo "Installing: $*" >&2
  export DEBIAN_FRONTEND=noninteractive
  # The lists may be absent or old: refresh them only when the plain install fails.
  as_root apt-get install -y --no-install-recommends "$@" >/dev/null 2>&1 ||
    { as_root apt-get update >/dev/null && as_root apt-get install -y --no-install-recommends "$@" >/dev/null; } || {
    echo "apt-get could not install: $*" >&2
    return 1
  }
}
