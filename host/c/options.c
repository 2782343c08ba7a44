#define _GNU_SOURCE

#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sha256.h"

void fail(const char *what, const char *why) {
    fprintf(stderr, "client: %s: %s\n", what, why);
    exit(1);
}

static _Noreturn void usage(void) {
    fputs("usage: client -t HOST:PORT -k KEYFILE [-f | -g] [--kex modp2048 | x25519]\n"
          "              [-o SECONDS] [-m MODULE]\n",
          stderr);
    exit(1);
}

spiped_bytes read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail(path, strerror(errno));
    }
    uint8_t *data = NULL;
    size_t len = 0, size = 0, got;
    do {
        if (len == size) {
            size = 2 * size + 4096;
            uint8_t *more = realloc(data, size);
            if (more == NULL) {
                fail(path, "too large");
            }
            data = more;
        }
        got = fread(data + len, 1, size - len, file);
        len += got;
    } while (got > 0);
    if (ferror(file)) {
        fail(path, "cannot be read");
    }
    fclose(file);
    return (spiped_bytes){data, len};
}

/* The SHA-256 of all bytes of the file. */
static void read_key(const char *path, uint8_t psk[SHA256_LEN]) {
    spiped_bytes key = read_file(path);
    sha256 hash;
    sha256_init(&hash);
    sha256_update(&hash, key.data, key.len);
    sha256_final(&hash, psk);
    explicit_bzero((void *)key.data, key.len);
    free((void *)key.data);
}

options parse_options(int argc, char **argv) {
    static const struct option long_options[] = {{"kex", required_argument, NULL, 'x'}, {0}};
    options options = {.module = "spiped-portable.core.wasm", .time_limit = 5};
    const char *key = NULL;
    int option;
    bool omit = false, require = false;
    while ((option = getopt_long(argc, argv, "t:k:o:m:fg", long_options, NULL)) != -1) {
        switch (option) {
        case 't':
            options.target = optarg;
            break;
        case 'k':
            key = optarg;
            break;
        case 'o':
            options.time_limit = atof(optarg);
            break;
        case 'm':
            options.module = optarg;
            break;
        case 'f':
            omit = true;
            options.config.forward_secrecy = SPIPED_OMIT;
            break;
        case 'g':
            require = true;
            options.config.forward_secrecy = SPIPED_REQUIRE;
            break;
        case 'x':
            if (strcmp(optarg, "x25519") == 0) {
                options.config.key_exchange = SPIPED_X25519;
            } else if (strcmp(optarg, "modp2048") != 0) {
                usage();
            }
            break;
        default:
            usage();
        }
    }
    if (key == NULL || options.target == NULL || optind < argc || (omit && require) ||
        (omit && options.config.key_exchange == SPIPED_X25519) || !(options.time_limit > 0)) {
        usage();
    }
    read_key(key, options.psk);
    return options;
}

struct timespec deadline_in(double seconds) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    /* As good as never. */
    double limit = seconds < 1e6 ? seconds : 1e6;
    now.tv_sec += (time_t)limit;
    now.tv_nsec += (long)((limit - (double)(time_t)limit) * 1e9);
    return now;
}

int milliseconds_until(struct timespec deadline) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double left = (double)(deadline.tv_sec - now.tv_sec) * 1e3 +
                  (double)(deadline.tv_nsec - now.tv_nsec) / 1e6;
    return left > 0 ? (int)left + 1 : 0;
}

static void linger(int descriptor, int on) {
    struct linger option = {.l_onoff = on, .l_linger = 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, sizeof option);
}

void close_cleanly(int descriptor) {
    linger(descriptor, 0);
    close(descriptor);
}

/* 0, or why not. */
static int try_to_connect(int descriptor, const struct addrinfo *info, struct timespec deadline) {
    if (connect(descriptor, info->ai_addr, info->ai_addrlen) == 0) {
        return 0;
    }
    if (errno != EINPROGRESS) {
        return errno;
    }
    struct pollfd polled = {.fd = descriptor, .events = POLLOUT};
    if (poll(&polled, 1, milliseconds_until(deadline)) <= 0) {
        return ETIMEDOUT;
    }
    int error = 0;
    socklen_t len = sizeof error;
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &len);
    return error;
}

int connect_to(const char *target, struct timespec deadline) {
    char host[256];
    const char *colon = strrchr(target, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - target);
    if (len == 0 || len >= sizeof host) {
        fail(target, "this is no HOST:PORT");
    }
    memcpy(host, target, len);
    host[len] = '\0';
    char *name = host;
    if (host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        name++;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int unknown = getaddrinfo(name, colon + 1, &hints, &found);
    if (unknown != 0) {
        fail(target, gai_strerror(unknown));
    }
    int error = EADDRNOTAVAIL;
    for (const struct addrinfo *info = found; info != NULL; info = info->ai_next) {
        int descriptor =
            socket(info->ai_family, info->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (descriptor < 0) {
            error = errno;
            continue;
        }
        error = try_to_connect(descriptor, info, deadline);
        if (error == 0) {
            freeaddrinfo(found);
            setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
            linger(descriptor, 1);
            return descriptor;
        }
        close(descriptor);
    }
    fail(target, strerror(error));
}
