# The .NET SDK: an installed one, else the distribution's package, else the vendor's script into .dotnet/.

dotnet_major=10

# Sets $dotnet to a program whose SDKs include major version 10, installing one if needed.
ensure_dotnet() {
  export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
  # The SDK wants a writable home; an empty environment has none.
  export HOME=${HOME:-$root/out/home} DOTNET_CLI_HOME=${DOTNET_CLI_HOME:-${HOME:-$root/out/home}}
  local candidate
  for candidate in "$(command -v dotnet || true)" "$root/.dotnet/dotnet" /usr/share/dotnet/dotnet /usr/lib/dotnet/dotnet "$HOME/.dotnet/dotnet"; do
    if has_sdk "$candidate"; then
      use_dotnet "$candidate"
      return 0
    fi
  done
  local package=dotnet-sdk-$dotnet_major.0
  if can_install_packages && has_package "$package" && install_packages "$package" && has_sdk "$(command -v dotnet)"; then
    use_dotnet "$(command -v dotnet)"
    return 0
  fi
  install_vendor_sdk && has_sdk "$root/.dotnet/dotnet" || {
    echo "No .NET $dotnet_major SDK is here and none could be installed. Install one (https://dotnet.microsoft.com/download, or your" >&2
    echo "distribution's $package), or unpack one into $root/.dotnet, then run this again." >&2
    return 1
  }
  use_dotnet "$root/.dotnet/dotnet"
}

has_sdk() {
  [ -n "${1:-}" ] && [ -f "$1" ] && [ -x "$1" ] && DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$1" --list-sdks 2>/dev/null | grep -q "^$dotnet_major\."
}

use_dotnet() {
  dotnet=$1
  # Without ICU on the machine the SDK starts only when told not to look for it.
  compgen -G "/usr/lib/*/libicuuc.so*" >/dev/null || compgen -G "/usr/lib*/libicuuc.so*" >/dev/null || export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
  dotnet_root=$(dirname "$(readlink -f "$1")")
  export DOTNET_ROOT=$dotnet_root
}

# Needs no root: everything goes into the git-ignored folder. Written so that it fails where nobody checks, too.
install_vendor_sdk() {
  command -v curl >/dev/null 2>&1 || install_packages curl ca-certificates || return 1
  echo "Installing the .NET $dotnet_major SDK into .dotnet/ (git-ignored)" >&2
  mkdir -p "$root/.dotnet" || return 1
  local script=$root/.dotnet/dotnet-install.sh
  curl -fsSL --connect-timeout 20 --retry 2 https://dot.net/v1/dotnet-install.sh -o "$script" || {
    echo "The vendor's install script cannot be fetched from https://dot.net/v1/dotnet-install.sh" >&2
    return 1
  }
  bash "$script" --channel "$dotnet_major.0" --install-dir "$root/.dotnet" --no-path || {
    echo "The vendor's install script failed." >&2
    return 1
  }
}
