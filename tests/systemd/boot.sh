#!/bin/sh
# Boots a machine with the files below a directory, to which nothing is written:
#   boot.sh FILES MOUNTS HOST SERVICE GROUP...
# MOUNTS is an empty directory, SERVICE what is to run from the start or nothing, and
# the GROUPs are control groups. Standard input is /etc/hosts. If this process is killed, the
# machine ends, and nothing of it remains.
set -eu

# Runs in a mount namespace of its own.
if [ "$1" = mounted ]; then
    shift
    files=$1 mounts=$2 host=$3 service=$4
    mount -t tmpfs machine "$mounts"
    cd "$mounts"
    mkdir upper work root
    mount -t overlay -o "lowerdir=$files,upperdir=upper,workdir=work" machine root
    cd root
    # The machine must not do what this system is set up to do: run its services and its
    # pipes, fetch lists of packages. In images for containers a policy keeps packages from
    # starting and stopping services. The index of manual pages takes most of the time of
    # installing a package.
    rm -rf etc/fstab etc/systemd/system/*.wants etc/systemd/system/spiped* etc/spiped \
        usr/local/bin/spiped usr/local/bin/spipe usr/local/lib/systemd usr/sbin/policy-rc.d \
        var/lib/redis/* var/lib/apt/lists var/lib/man-db/auto-update
    echo "$host" >etc/hostname
    cat >etc/hosts
    # It would wait 5 seconds for more replicas.
    sed -i 's/^repl-diskless-sync-delay .*/repl-diskless-sync-delay 0/' etc/redis/redis.conf
    if [ -n "$service" ]; then
        mkdir etc/systemd/system/multi-user.target.wants
        ln -s "/lib/systemd/system/$service.service" etc/systemd/system/multi-user.target.wants
    fi
    exec systemd-nspawn --quiet --directory="$mounts/root" --boot --register=no --keep-unit \
        --private-network --link-journal=no --console=pipe </dev/null
fi

files=$1 mounts=$2 host=$3 service=$4
shift 4
for group; do
    echo $$ >"$group/cgroup.procs"
done
# One hierarchy, as all present systems have it; this one may be older.
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
# Its own filter of system calls hides Landlock.
export SYSTEMD_SECCOMP=0
# A process namespace around it all: systemd-nspawn alone would leave the machine
# running if it is killed.
exec unshare --pid --fork --kill-child --mount-proc \
    "$0" mounted "$files" "$mounts" "$host" "$service"
