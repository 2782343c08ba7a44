#!/usr/bin/awk -f
# Makes Debian's form of CHANGELOG.md, given version, maintainer and date of what is unreleased.

function flush_item(   words, count, i, line) {
    if (item == "")
        return
    count = split(item, words, /[ \t]+/)
    line = "  *"
    for (i = 1; i <= count; i++) {
        if (length(line " " words[i]) > 79) {
            print line
            line = "   "
        }
        line = line " " words[i]
    }
    print line
    item = ""
}

function flush_version() {
    flush_item()
    if (released != "")
        printf "\n -- %s  %s\n\n", maintainer, released
    released = ""
}

/^## / {
    flush_version()
    released = date
    if (match($0, /[0-9]+\.[0-9]+\.[0-9]+/)) {
        version = substr($0, RSTART, RLENGTH)
        command = "date --utc --rfc-email --date " $NF
        command | getline released
        close(command)
    }
    printf "spiped-wasm (%s) unstable; urgency=medium\n\n", version
    sections = 0
    next
}
/^### / { flush_item(); printf "%s  [ %s ]\n", sections++ ? "\n" : "", substr($0, 5); next }
/^- / { flush_item(); item = substr($0, 3); next }
/^ +[^ ]/ && item != "" { sub(/^ +/, ""); item = item " " $0; next }
/^$/ { next }
END { flush_version() }
