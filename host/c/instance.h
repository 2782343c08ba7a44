/*
 * The core module's instances, called by the canonical ABI: docs/core-module.md.
 * For spiped_pipe.c alone.
 */
#ifndef SPIPED_INSTANCE_H
#define SPIPED_INSTANCE_H

#include <stdbool.h>

#include "spiped_pipe.h"

/* What is called, in the order of the table in code.c. */
typedef enum function {
    REALLOC,
    ACCEPTOR,
    IDENTIFY,
    FAULT_AT_EOF,
    CONNECT,
    ACCEPT,
    RESUME,
    START,
    COMPUTE,
    HANDLE_CRYPT,
    HANDLE_PLAIN,
    CRYPT_EOF,
    PLAIN_EOF,
    SUSPEND,
    PSK_ID,
    FUNCTIONS,
} function;

typedef struct instance instance;

/* NULL if there is no memory for another. */
instance *instance_new(spiped_code *code);
void instance_delete(instance *self);

/* Arguments of a call, as they are lowered. */
typedef struct arguments {
    instance *callee;
    int32_t words[10];
    size_t count;
} arguments;

/* Begins a call: what the last one returned is freed. */
arguments arguments_for(instance *callee);
void put_word(arguments *self, uint32_t word);
/* Copies bytes into the instance. */
void put_bytes(arguments *self, spiped_bytes bytes);
/* Copies a list of lists of bytes. */
void put_lists(arguments *self, const spiped_bytes *lists, size_t count);

/*
 * Calls, and returns the result's area, where RESULT_LEN bytes can be read; NULL
 * after a trap, with which the instance is over. It stays until the next call.
 */
#define RESULT_LEN 56
const uint8_t *call(arguments *self, function function);

uint32_t load32(const uint8_t *from);
uint64_t load64(const uint8_t *from);
/* The bytes that a list points to. False if they are not in the memory. */
bool load_bytes(instance *self, const uint8_t *list, spiped_bytes *bytes);
/* Has these bytes wiped when they are freed. */
void wipe_later(instance *self, spiped_bytes bytes);
/* What came back is nonsense: the instance is over. */
void give_up(instance *self);

#endif
