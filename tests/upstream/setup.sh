#!/bin/sh
# Gets the newest spiped that Debian has, of its suite forky, with the libraries it
# needs: target/upstream/spiped and target/upstream/spipe run it. The system does
# not change: lists, packages and files are all under target/.
#
# What is there already is used for a day, and longer if there is nothing newer to
# be had.
set -eu

suite=forky
cd "$(dirname "$0")/../.."
mkdir -p target/upstream
cd target/upstream

main() {
    if works && [ -n "$(find spiped -mtime -1)" ]; then
        return
    fi
    if ! get >get.log 2>&1; then
        works || {
            cat get.log >&2
            echo "No spiped of Debian's $suite is to be had" >&2
            exit 1
        }
        echo "Debian's $suite cannot be reached; its former spiped is used" >&2
    fi
}

works() {
    [ -x spiped ] && [ -x spipe ] && ./spiped -v 2>/dev/null
}

get() {
    echo "Getting spiped of Debian's $suite" >&3
    rm -rf apt new
    mkdir -p apt/lists/partial apt/cache/archives/partial new
    # As if nothing were installed, so that all that it needs comes along.
    : >apt/status
    signed=/usr/share/keyrings/debian-archive-keyring.gpg
    options=
    [ ! -e "$signed" ] || options="[signed-by=$signed]"
    echo "deb $options $(mirror) $suite main" >apt/sources.list
    apt_get update &&
        apt_get install --yes --download-only --no-install-recommends spiped || return
    for package in apt/cache/archives/*.deb; do
        dpkg-deb --extract "$package" new || return
    done
    rm -rf root && mv new root && rm -rf apt || return
    loader=$(find -L "$PWD/root/usr/lib" "$PWD"/root/usr/lib64 -name 'ld-linux*.so.*' | head -n 1)
    libraries=$(dirname "$(find "$PWD/root/usr/lib" -name libc.so.6)")
    for program in spiped spipe; do
        cat >"$program.new" <<SCRIPT || return
#!/bin/sh
exec '$loader' --library-path '$libraries' '$PWD/root/usr/bin/$program' "\$@"
SCRIPT
        chmod +x "$program.new" && mv "$program.new" "$program" || return
    done
    works
}

# Where this machine gets Debian from.
mirror() {
    # shellcheck disable=SC2016 # for apt-get to expand
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | head -n 1)
    echo "${found:-http://deb.debian.org/debian}"
}

apt_get() {
    apt-get -qq -o Dir::Etc::SourceList="$PWD/apt/sources.list" -o Dir::Etc::SourceParts=- \
        -o Dir::State="$PWD/apt" -o Dir::State::Lists="$PWD/apt/lists" \
        -o Dir::State::Status="$PWD/apt/status" -o Dir::Cache="$PWD/apt/cache" \
        -o APT::Sandbox::User=root -o Acquire::Languages=none \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}

# What is said while the rest goes to a file.
exec 3>&2
main
