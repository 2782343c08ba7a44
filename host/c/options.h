/* What the client needs and has nothing to do with spiped. */
#ifndef SPIPED_OPTIONS_H
#define SPIPED_OPTIONS_H

#include <time.h>

#include "spiped_pipe.h"

typedef struct options {
    const char *target;
    const char *module;
    double time_limit;
    spiped_config config;
    uint8_t psk[SPIPED_PSK_LEN];
} options;

/* Ends the program if they make no sense. */
options parse_options(int argc, char **argv);

/* One line on standard error, and the end. Connections that are open are reset. */
_Noreturn void fail(const char *what, const char *why);

/* A whole file, to be freed. */
spiped_bytes read_file(const char *path);

struct timespec deadline_in(double seconds);
int milliseconds_until(struct timespec deadline);

/* A connection that does not block, and that ends with a reset. */
int connect_to(const char *target, struct timespec deadline);
/* Has what was written arrive first, and then the end. */
void close_cleanly(int descriptor);

#endif
