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
  if command -v apt-cache >/dev/null 2>&1 && apt-cache show "dotnet-sdk-$dotnet_major.0" >/dev/null 2>&1 &&
    install_packages "dotnet-sdk-$dotnet_major.0" && has_sdk "$(command -v dotnet)"; then
    use_dotnet "$(command -v dotnet)"
    return 0
  fi
  install_vendor_sdk
  has_sdk "$root/.dotnet/dotnet" || {
    echo "No .NET $dotnet_major SDK could be installed. Install one (https://dotnet.microsoft.com/download), then run this again." >&2
    return 1
  }
  use_dotnet "$root/.dotnet/dotnet"
}

has_sdk() {
  [ -n "${1:-}" ] && [ -x "$1" ] && "$1" --list-sdks 2>/dev/null | grep -q "^$dotnet_major\."
}

use_dotnet() {
  dotnet=$1
  dotnet_root=$(dirname "$(readlink -f "$1")")
  export DOTNET_ROOT=$dotnet_root
}

install_vendor_sdk() {
  echo "Installing the .NET $dotnet_major SDK into .dotnet/ (git-ignored)" >&2
  command -v curl >/dev/null 2>&1 || install_packages curl ca-certificates
  mkdir -p .dotnet
  curl -fsSL https://dot.net/v1/dotnet-install.sh -o .dotnet/dotnet-install.sh
  # The SDK's host needs these even in invariant mode.
  bash .dotnet/dotnet-install.sh --channel "$dotnet_major.0" --install-dir "$root/.dotnet" --no-path
}
