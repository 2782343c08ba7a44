/*
 * What the component costs here: figures MODULE [REPETITIONS]
 *
 * Prints one figure a line, its name and its value. `make bench-hosts` makes a table
 * of those of all hosts.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "spiped_pipe.h"

/* Connections of which the memory is measured. */
#define CROWD 50

static spiped_code *code;
static uint8_t batch[SPIPED_PLAIN_BATCH], sealed[SPIPED_CRYPT_BATCH];
static double *times[4];
enum { SEAL, OPEN, PUBLIC_VALUE, SHARED_VALUE };

typedef struct ends {
    spiped_session *client, *server;
} ends;

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "figures: %s\n", what);
    exit(1);
}

static double now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Copies what goes to the peer, behind what is there. */
static void take(spiped_output output, uint8_t *bytes, size_t *len) {
    if (output.status == SPIPED_FAILED) {
        fail(spiped_failure_name(&output.failure));
    }
    memcpy(bytes + *len, output.to_crypt.data, output.to_crypt.len);
    *len += output.to_crypt.len;
}

static spiped_output compute(spiped_session *session, double *took) {
    double start = now(CLOCK_MONOTONIC);
    spiped_output output = spiped_compute(session);
    *took = now(CLOCK_MONOTONIC) - start;
    return output;
}

static ends establish(double *public_value, double *shared_value) {
    static const spiped_config config = {SPIPED_MODP2048, SPIPED_OFFER};
    uint8_t entropy[128], hello[512], share[512];
    for (size_t i = 0; i < sizeof entropy; i++) {
        entropy[i] = (uint8_t)i;
    }
    size_t hello_len = 0, share_len = 0;
    spiped_bytes psk = {entropy, 32}, nonce = {entropy + 96, 32};
    spiped_failure failure;
    ends both;
    both.client = spiped_connect(code, config, psk, (spiped_bytes){entropy, 64}, &failure);
    if (both.client == NULL) {
        fail(spiped_failure_name(&failure));
    }
    take(spiped_start(both.client), hello, &hello_len);
    take(compute(both.client, public_value), hello, &hello_len);
    take(spiped_handle_crypt(both.client, nonce), hello, &hello_len);
    both.server = spiped_accept(code, config, nonce, (spiped_bytes){hello, hello_len}, psk,
                                (spiped_bytes){entropy + 64, 32}, &failure);
    if (both.server == NULL) {
        fail(spiped_failure_name(&failure));
    }
    take(spiped_start(both.server), share, &share_len);
    take(spiped_compute(both.server), share, &share_len);
    take(compute(both.server, shared_value), share, &share_len);
    spiped_handle_crypt(both.client, (spiped_bytes){share, share_len});
    if (spiped_compute(both.client).status != SPIPED_ESTABLISHED) {
        fail("no connection");
    }
    return both;
}

/* A batch on its way from one end to the other. */
static void transfer(ends both, double *seal, double *open) {
    size_t len = 0;
    double start = now(CLOCK_MONOTONIC);
    take(spiped_handle_plain(both.client, (spiped_bytes){batch, sizeof batch}), sealed, &len);
    *seal = now(CLOCK_MONOTONIC) - start;
    start = now(CLOCK_MONOTONIC);
    spiped_output output = spiped_handle_crypt(both.server, (spiped_bytes){sealed, len});
    *open = now(CLOCK_MONOTONIC) - start;
    if (output.to_plain.len != sizeof batch ||
        memcmp(output.to_plain.data, batch, sizeof batch) != 0) {
        fail("a batch arrived different");
    }
}

static int smaller(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

static double median(double *of, size_t count) {
    qsort(of, count, sizeof *of, smaller);
    return of[count / 2];
}

/* Memory of this process, in KiB. */
static double resident(void) {
    long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%ld %ld", &size, &pages) != 2) {
        fail("/proc/self/statm");
    }
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static double memory(void) {
    static ends crowd[CROWD];
    double ignored, before = resident();
    for (size_t i = 0; i < CROWD; i++) {
        crowd[i] = establish(&ignored, &ignored);
        transfer(crowd[i], &ignored, &ignored);
    }
    return (resident() - before) / (2 * CROWD);
}

/* What a new instance and its end take, in milliseconds of CPU. */
static double instance(size_t repetitions) {
    static const uint8_t entropy[64] = {1};
    spiped_failure failure;
    double start = now(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < repetitions; i++) {
        spiped_session_delete(spiped_connect(code, (spiped_config){SPIPED_X25519, SPIPED_OFFER},
                                             (spiped_bytes){entropy, 32},
                                             (spiped_bytes){entropy, 64}, &failure));
    }
    return (now(CLOCK_PROCESS_CPUTIME_ID) - start) / (double)repetitions * 1000;
}

static spiped_bytes read_module(const char *path) {
    static uint8_t bytes[4 << 20];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail(path);
    }
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return (spiped_bytes){bytes, len};
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fail("usage: figures MODULE [REPETITIONS]");
    }
    size_t repetitions = argc > 2 ? strtoul(argv[2], NULL, 10) : 400;
    char error[256];
    code = spiped_code_new(read_module(argv[1]), error, sizeof error);
    if (code == NULL) {
        fail(error);
    }
    for (size_t i = 0; i < 4; i++) {
        times[i] = calloc(repetitions + 1, sizeof **times);
        if (times[i] == NULL) {
            fail("no memory");
        }
    }
    memset(batch, 'Z', sizeof batch);
    size_t handshakes = repetitions / 4 + 1;
    ends both = {NULL, NULL};
    for (size_t i = 0; i < handshakes; i++) {
        spiped_session_delete(both.client);
        spiped_session_delete(both.server);
        both = establish(&times[PUBLIC_VALUE][i], &times[SHARED_VALUE][i]);
    }
    for (size_t i = 0; i < repetitions; i++) {
        transfer(both, &times[SEAL][i], &times[OPEN][i]);
    }
    printf("seal, MB/s: %.1f\n", sizeof batch / median(times[SEAL], repetitions) / 1e6);
    printf("open, MB/s: %.1f\n", sizeof batch / median(times[OPEN], repetitions) / 1e6);
    printf("instance, CPU ms: %.3f\n", instance(repetitions));
    printf("public value, µs: %.0f\n", median(times[PUBLIC_VALUE], handshakes) * 1e6);
    printf("shared value, µs: %.0f\n", median(times[SHARED_VALUE], handshakes) * 1e6);
    printf("session, KiB: %.0f\n", memory());
    return 0;
}
