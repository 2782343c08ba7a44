#!/bin/sh
# Writes the pipes of one host of a mesh, in which every host reaches the services of every
# other one by addresses that are the same everywhere:
#
#   sh mesh.sh PORTS HOST=NUMBER... > /etc/spiped/pipes.d/mesh.toml
#
# The service with a port on HOST is then at 127.0.2.NUMBER and that port, on all hosts of the
# mesh. On HOST itself the service listens there, elsewhere a pipe does. HOST.example.net, port
# plus 100, is where the pipes meet. The host that the settings are for is this one, by its name.
#
#   sh mesh.sh 6379,26379 db1=1 db2=2 app1=10
set -eu

key=/etc/spiped/keys/mesh.key
ports=$(echo "$1" | tr , ' ')
shift
this=$(hostname -s)

for host; do
    name=${host%=*} address=127.0.2.${host#*=}
    for port in $ports; do
        if [ "$name" = "$this" ]; then
            mode=decrypt source="[0.0.0.0]:$((port + 100))" target="[$address]:$port"
        else
            mode=encrypt source="[$address]:$port" target="$name.example.net:$((port + 100))"
        fi
        printf '[pipe.%s-%s]\nmode = "%s"\nsource = "%s"\ntarget = "%s"\nkey = "%s"\n' \
            "$name" "$port" "$mode" "$source" "$target" "$key"
        printf 'require-forward-secrecy = true\n\n'
    done
done
