# Packages of another Debian release, unpacked and never installed. Sourced by the scripts that need them.

# debian_apt STATE SUITE COMPONENTS: sets apt_options so that apt-get and apt-cache see one Debian release alone, with all
# state below the folder STATE, and refreshes its lists. The mirror is the one that this machine already uses; apt checks
# the lists' signature and each package's hash against them.
debian_apt() {
  local state=$1 suite=$2 components=$3 mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  command -v apt-get >/dev/null 2>&1 || { echo "apt-get is not here: Debian packages cannot be fetched on this machine" >&2; return 1; }
  mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d/ 2>/dev/null | head -n 1 | tr -d ' ' || true)
  [ -n "$mirror" ] || { echo "no Debian mirror in this machine's apt sources (/etc/apt/sources.list, sources.list.d)" >&2; return 1; }
  [ -f "$keyring" ] || { echo "$keyring is not here: install debian-archive-keyring" >&2; return 1; }
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
  echo "deb [signed-by=$keyring] $mirror $suite $components" >"$state/sources.list"
  # shellcheck disable=SC2034
  apt_options=(-o "Dir::Etc::sourcelist=$state/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::Lists=$state/lists"
    -o "Dir::Cache=$state/cache" -o "Dir::State::status=/dev/null" -o APT::Install-Recommends=false -o APT::Sandbox::User=root
    -o Acquire::Retries=2 -o Acquire::http::Timeout=60 -o Acquire::https::Timeout=60)
  apt-get "${apt_options[@]}" update -qq || { echo "apt-get update failed for Debian $suite from $mirror" >&2; return 1; }
}
