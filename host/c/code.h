/* The compiled core module. For instance.c. */
#ifndef SPIPED_CODE_H
#define SPIPED_CODE_H

#include <pthread.h>
#include <stdbool.h>
#include <wasmtime.h>

#include "instance.h"

/* A call that takes longer than a second has broken down; a busy machine gets as much
 * again. */
#define TICK_NS 250000000
#define TICKS_MAX 8

/* What is before the name of a function in that of the one that frees its result. */
#define POST "cabi_post_"

/* A function takes so many words and returns one. */
typedef struct signature {
    const char *name;
    size_t params;
} signature;

extern const signature signatures[FUNCTIONS];

struct spiped_code {
    wasm_engine_t *engine;
    wasmtime_module_t *module;
    wasmtime_linker_t *linker;
    pthread_t clock;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopping;
    bool ticking;
};

#endif
