# shellcheck shell=bash
# Sourced by scripts/demo and scripts/test: a virtual environment with rrbridge in it, and libraries to draw with.
# Works as root, with sudo, or as neither: see `libraries_without_root`.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=${RRBRIDGE_VENV:-$ROOT/.venv}
PY=$VENV/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK=1

PYTHON_PACKAGES="python3 python3-venv python3-pip git"
GL_PACKAGES="libgl1 libegl1 libegl-mesa0 libgl1-mesa-dri libglx-mesa0 libx11-6 libxext6 libxi6 libxinerama1 libxrandr2
    libxfixes3 libxcursor1 libfontconfig1 libfreetype6"

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
note() { printf '    %s\n' "$*"; }
give_up() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Install Debian packages, where that is possible at all; 1 where it is not.
debian_install() {
    command -v apt-get >/dev/null || return 1
    local as_root=""
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as_root="sudo -n"
    fi
    local install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends"
    # Package lists that are missing or old are the usual reason for a failure: renew them and try once more.
    $install "$@" </dev/null >"$LOG" 2>&1 ||
        { $as_root apt-get update -qq </dev/null >>"$LOG" 2>&1 && $install "$@" </dev/null >>"$LOG" 2>&1; } ||
        { tail -n 5 "$LOG" >&2; return 1; }
}

usable_python() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local name
    for name in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        usable_python "$name" && { command -v "$name"; return; }
    done
    return 1
}

make_venv() {
    [ -x "$PY" ] && "$PY" -m pip --version >/dev/null 2>&1 && return
    local python
    if ! python=$(find_python); then
        say "Installing Python from Debian's packages"
        # shellcheck disable=SC2086
        debian_install $PYTHON_PACKAGES || give_up "Python 3.11 or newer is needed. Ask an administrator for: apt install $PYTHON_PACKAGES"
        python=$(find_python) || give_up "this Debian's python3 is older than 3.11; set PYTHON=/path/to/a/newer/python3"
    fi
    say "Making the virtual environment $VENV with $("$python" --version)"
    "$python" -m venv --clear "$VENV" >"$LOG" 2>&1 && return
    # Debian keeps venv's own pip in python3-venv; a pip from elsewhere does as well.
    # shellcheck disable=SC2086
    if debian_install $PYTHON_PACKAGES && "$python" -m venv --clear "$VENV" >"$LOG" 2>&1; then return; fi
    "$python" -m venv --clear --without-pip "$VENV" && "$python" -m pip --python "$PY" install -q pip && return
    give_up "no way to make a virtual environment. Ask an administrator for: apt install $PYTHON_PACKAGES"
}

# pip_install STAMP WHAT ARGUMENTS…: once for each state of pyproject.toml.
pip_install() {
    local stamp=$VENV/.rrbridge-$1 what=$2 state
    state=$(sha256sum <"$ROOT/pyproject.toml")
    shift 2
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$state" ] && return
    say "$what"
    "$PY" -m pip install -qq --upgrade "pip>=25.1" </dev/null || give_up "pip could not be brought to 25.1 (see above)"
    "$PY" -m pip install -qq "$@" </dev/null || give_up "pip could not install the packages (see above)"
    # What is used from a checkout is not compiled by pip; without this every start takes longer where Python may not write.
    "$PY" -m compileall -q "$ROOT/sdk" "$ROOT/bridge" "$ROOT/viewer" >/dev/null
    printf '%s' "$state" >"$stamp"
}

# Does a window open off screen? Prints what draws it, or why not.
can_draw() { "$PY" "$ROOT/scripts/check_gl.py" 2>&1; }

# Mesa under $VENV/gl, unpacked from Debian's packages without installing them; apt keeps its own lists there too.
# binutils comes along because Python asks `ld` for libraries that the system's own index does not have.
libraries_without_root() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    local gl=$VENV/gl lib file
    mkdir -p "$gl/apt/lists/partial" "$gl/apt/archives/partial" "$gl/root" || return 1
    local apt="apt-get -qq -o Dir::State::lists=$gl/apt/lists -o Dir::Cache=$gl/apt -o Debug::NoLocking=1"
    # shellcheck disable=SC2086
    $apt update </dev/null >"$LOG" 2>&1 &&
        $apt install -y --no-install-recommends --download-only $GL_PACKAGES binutils </dev/null >>"$LOG" 2>&1 ||
        return 1
    for file in "$gl"/apt/archives/*.deb; do dpkg-deb -x "$file" "$gl/root" || return 1; done
    rm -rf "$gl/apt"
    lib=$(echo "$gl"/root/usr/lib/*-linux-gnu)
    for file in "$lib"/lib*.so.*; do ln -sf "$(basename "$file")" "${file%%.so.*}.so"; done
    cat >"$gl/env.sh" <<END
export LD_LIBRARY_PATH="$lib:$gl/root/lib/$(basename "$lib")\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" LIBGL_DRIVERS_PATH="$lib/dri"
export __EGL_VENDOR_LIBRARY_DIRS="$gl/root/usr/share/glvnd/egl_vendor.d" PATH="\$PATH:$gl/root/usr/bin"
END
}

# Libraries for off-screen OpenGL. Sets DRAWS to yes or no; never fatal, since only the viewer needs them.
ensure_gl() {
    local why
    DRAWS=yes # read by scripts/demo
    # shellcheck source=/dev/null
    [ -f "$VENV/gl/env.sh" ] && . "$VENV/gl/env.sh"
    if why=$(can_draw); then note "drawing with: $why"; return; fi
    say "Installing the libraries that draw (OpenGL in software)"
    note "before: $(tail -n 1 <<<"$why")"
    # shellcheck disable=SC2086
    if debian_install $GL_PACKAGES && why=$(can_draw); then note "drawing with: $why"; return; fi
    note "not possible as this user; unpacking them under $VENV/gl instead"
    if libraries_without_root && . "$VENV/gl/env.sh" && why=$(can_draw); then
        note "drawing with: $why"
        note "in a new shell: source $VENV/gl/env.sh"
        return
    fi
    DRAWS=no
    note "still not: $(tail -n 1 <<<"$why")"
    note "the viewer needs them, everything else works. Ask an administrator for: apt install ${GL_PACKAGES//$'\n    '/ }"
}

LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT
cd "$ROOT" || exit 1
