/*
 * What spipe does, in C: standard input through a pipe to a `spiped -d`, and what
 * comes back to standard output.
 *
 *     client -t HOST:PORT -k KEYFILE [-f | -g] [--kex NAME] [-o SECONDS] [-m MODULE]
 */
#define _GNU_SOURCE

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "options.h"
#include "spiped_pipe.h"

/* What a call returned and its descriptor has not taken. */
typedef struct queue {
    int descriptor;
    /* How many bytes it takes without blocking, once it says that it does. */
    size_t piece;
    size_t start, end;
    uint8_t bytes[SPIPED_OUTPUT_MAX];
} queue;

static queue to_peer = {.piece = SPIPED_OUTPUT_MAX};
static queue to_user = {.piece = 4096, .descriptor = STDOUT_FILENO};
static spiped_session *session;
static spiped_status status;

static bool is_empty(const queue *self) {
    return self->start == self->end;
}

static void append(queue *self, spiped_bytes bytes) {
    if (is_empty(self)) {
        self->start = self->end = 0;
    }
    if (bytes.len > sizeof self->bytes - self->end) {
        fail("session", "too much output");
    }
    memcpy(self->bytes + self->end, bytes.data, bytes.len);
    self->end += bytes.len;
}

static void write_some(queue *self) {
    size_t left = self->end - self->start;
    ssize_t written = write(self->descriptor, self->bytes + self->start,
                            left < self->piece ? left : self->piece);
    if (written >= 0) {
        self->start += (size_t)written;
    } else if (errno != EAGAIN && errno != EINTR) {
        fail("write", strerror(errno));
    }
}

/* Carries out what a call has returned. */
static void act(spiped_output output) {
    append(&to_peer, output.to_crypt);
    append(&to_user, output.to_plain);
    status = output.status;
    if (status == SPIPED_FAILED) {
        /* First what was authenticated. The connection ends with a reset. */
        while (!is_empty(&to_user)) {
            write_some(&to_user);
        }
        fail("session", spiped_failure_name(&output.failure));
    }
    if (!is_empty(&to_peer)) {
        write_some(&to_peer);
    }
}

static void read_user(bool *is_open) {
    uint8_t buffer[SPIPED_PLAIN_BATCH];
    ssize_t len = read(STDIN_FILENO, buffer, sizeof buffer);
    if (len > 0) {
        act(spiped_handle_plain(session, (spiped_bytes){buffer, (size_t)len}));
    } else if (len == 0) {
        *is_open = false;
        act(spiped_plain_eof(session));
    } else if (errno != EINTR) {
        fail("read", strerror(errno));
    }
}

static void read_peer(bool *is_open) {
    uint8_t buffer[SPIPED_CRYPT_BATCH];
    ssize_t len = read(to_peer.descriptor, buffer, sizeof buffer);
    if (len > 0) {
        act(spiped_handle_crypt(session, (spiped_bytes){buffer, (size_t)len}));
    } else if (len == 0 || (errno == ECONNRESET && status != SPIPED_ESTABLISHED)) {
        *is_open = false;
        act(spiped_crypt_eof(session));
    } else if (errno != EAGAIN && errno != EINTR) {
        fail("read", strerror(errno));
    }
}

/* Both directions, until both have ended. A side is read only when all that the last
 * read produced is written: that is all the back-pressure there is. */
static void relay(struct timespec deadline) {
    bool user_open = true, peer_open = true, half_closed = false;
    act(spiped_start(session));
    while (user_open || peer_open || !half_closed || !is_empty(&to_user)) {
        if (status == SPIPED_WANTS_COMPUTE) {
            act(spiped_compute(session));
            continue;
        }
        if (!user_open && !half_closed && is_empty(&to_peer)) {
            shutdown(to_peer.descriptor, SHUT_WR);
            half_closed = true;
            continue;
        }
        bool established = status == SPIPED_ESTABLISHED;
        bool reads_user = established && user_open && is_empty(&to_peer);
        bool reads_peer = peer_open && is_empty(&to_user);
        struct pollfd polled[] = {
            {.fd = reads_user ? STDIN_FILENO : -1, .events = POLLIN},
            {.fd = to_peer.descriptor,
             .events = (short)((reads_peer ? POLLIN : 0) | (is_empty(&to_peer) ? 0 : POLLOUT))},
            {.fd = is_empty(&to_user) ? -1 : STDOUT_FILENO, .events = POLLOUT},
        };
        if (polled[1].events == 0) {
            polled[1].fd = -1;
        }
        int ready = poll(polled, 3, established ? -1 : milliseconds_until(deadline));
        if (ready == 0) {
            fail("handshake", "timed out");
        }
        if (polled[1].revents & POLLOUT) {
            write_some(&to_peer);
        }
        if (polled[2].revents != 0) {
            write_some(&to_user);
        }
        if (reads_peer && polled[1].revents & (POLLIN | POLLHUP | POLLERR)) {
            read_peer(&peer_open);
        }
        if (polled[0].revents != 0 && is_empty(&to_peer)) {
            read_user(&user_open);
        }
    }
}

int main(int argc, char **argv) {
    options options = parse_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);

    char error[256];
    spiped_bytes module = read_file(options.module);
    spiped_code *code = spiped_code_new(module, error, sizeof error);
    free((void *)module.data);
    if (code == NULL) {
        fail(options.module, error);
    }

    struct timespec deadline = deadline_in(options.time_limit);
    to_peer.descriptor = connect_to(options.target, deadline);

    uint8_t entropy[SPIPED_CLIENT_ENTROPY_LEN];
    if (getrandom(entropy, sizeof entropy, 0) != sizeof entropy) {
        fail("getrandom", strerror(errno));
    }
    spiped_failure failure;
    session = spiped_connect(code, options.config, (spiped_bytes){options.psk, SPIPED_PSK_LEN},
                             (spiped_bytes){entropy, sizeof entropy}, &failure);
    explicit_bzero(entropy, sizeof entropy);
    explicit_bzero(options.psk, sizeof options.psk);
    if (session == NULL) {
        fail("session", spiped_failure_name(&failure));
    }
    relay(deadline);
    close_cleanly(to_peer.descriptor);
    spiped_session_delete(session);
    spiped_code_delete(code);
    return 0;
}
