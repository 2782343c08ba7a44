#include "instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasmtime.h>

#include "code.h"

/* Twice what a session needs with batches of 64 packets. */
#define MEMORY_MAX (2 << 20)

typedef struct export {
    enum { UNKNOWN, ABSENT, FOUND } state;
    wasmtime_func_t func;
} export;

struct instance {
    wasmtime_store_t *store;
    wasmtime_context_t *context;
    wasmtime_instance_t instance;
    wasmtime_memory_t memory;
    /* Found when they are called first. */
    export functions[FUNCTIONS];
    export posts[FUNCTIONS];
    /* The last call's result, which is not freed yet: REALLOC if there is none. */
    function last;
    int32_t area;
    spiped_bytes secret;
    bool over;
};

/* Whether it went well. */
static bool went_well(wasmtime_error_t *error, wasm_trap_t *trap) {
    if (error != NULL) {
        wasmtime_error_delete(error);
    }
    if (trap != NULL) {
        wasm_trap_delete(trap);
    }
    return error == NULL && trap == NULL;
}

instance *instance_new(spiped_code *code) {
    instance *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    self->store = wasmtime_store_new(code->engine, NULL, NULL);
    self->context = wasmtime_store_context(self->store);
    wasmtime_store_limiter(self->store, MEMORY_MAX, -1, -1, -1, -1);
    wasmtime_context_set_epoch_deadline(self->context, TICKS_MAX);
    wasm_trap_t *trap = NULL;
    wasmtime_error_t *error = wasmtime_linker_instantiate(code->linker, self->context,
                                                          code->module, &self->instance, &trap);
    wasmtime_extern_t item;
    if (went_well(error, trap) &&
        wasmtime_instance_export_get(self->context, &self->instance, "memory", 6, &item)) {
        self->memory = item.of.memory;
        return self;
    }
    instance_delete(self);
    return NULL;
}

void instance_delete(instance *self) {
    if (self != NULL) {
        give_up(self);
        free(self);
    }
}

void give_up(instance *self) {
    if (!self->over) {
        self->over = true;
        wasmtime_store_delete(self->store);
    }
}

/* The function, or NULL if the module has none. */
static const wasmtime_func_t *find(instance *self, export *known, const char *prefix,
                                   const char *name) {
    if (known->state == UNKNOWN) {
        char full[96];
        int len = snprintf(full, sizeof full, "%s%s", prefix, name);
        wasmtime_extern_t item;
        known->state = ABSENT;
        if (wasmtime_instance_export_get(self->context, &self->instance, full, (size_t)len,
                                         &item)) {
            known->state = FOUND;
            known->func = item.of.func;
        }
    }
    return known->state == FOUND ? &known->func : NULL;
}

/* Calls a function. Its type was checked. */
static bool invoke(instance *self, const wasmtime_func_t *func, const int32_t *words, size_t count,
                   int32_t *result) {
    wasmtime_val_raw_t slots[10] = {{.i32 = 0}};
    for (size_t i = 0; i < count; i++) {
        slots[i].i32 = words[i];
    }
    wasm_trap_t *trap = NULL;
    wasmtime_context_set_epoch_deadline(self->context, TICKS_MAX);
    wasmtime_error_t *error = wasmtime_func_call_unchecked(self->context, func, slots,
                                                           sizeof slots / sizeof *slots, &trap);
    *result = slots[0].i32;
    if (!went_well(error, trap)) {
        give_up(self);
    }
    return !self->over;
}

/* The memory at an address, if it has so many bytes there. */
static uint8_t *at(instance *self, uint32_t address, size_t len) {
    size_t size = wasmtime_memory_data_size(self->context, &self->memory);
    if (address > size || len > size - address) {
        return NULL;
    }
    return wasmtime_memory_data(self->context, &self->memory) + address;
}

arguments arguments_for(instance *callee) {
    arguments self = {.callee = callee};
    if (!callee->over && callee->last != REALLOC) {
        function last = callee->last;
        callee->last = REALLOC;
        if (callee->secret.len > 0) {
            memset((uint8_t *)callee->secret.data, 0, callee->secret.len);
            callee->secret.len = 0;
        }
        const wasmtime_func_t *post =
            find(callee, &callee->posts[last], POST, signatures[last].name);
        int32_t nothing;
        if (post != NULL) {
            invoke(callee, post, &callee->area, 1, &nothing);
        }
    }
    return self;
}

void put_word(arguments *self, uint32_t word) {
    self->words[self->count++] = (int32_t)word;
}

/* Memory that will belong to the callee; NULL after a trap. */
static uint8_t *allocate(instance *self, uint32_t alignment, size_t len, uint32_t *address) {
    int32_t words[4] = {0, 0, (int32_t)alignment, (int32_t)len};
    int32_t result;
    if (self->over || len > MEMORY_MAX) {
        give_up(self);
        return NULL;
    }
    const wasmtime_func_t *func =
        find(self, &self->functions[REALLOC], "", signatures[REALLOC].name);
    if (!invoke(self, func, words, 4, &result)) {
        return NULL;
    }
    *address = (uint32_t)result;
    uint8_t *memory = at(self, *address, len);
    if (memory == NULL) {
        give_up(self);
    }
    return memory;
}

/* Where a copy of the bytes is. */
static uint32_t copy(instance *self, spiped_bytes bytes) {
    /* Of no bytes, nothing but the alignment matters. */
    uint32_t address = 1;
    if (bytes.len > 0) {
        uint8_t *memory = allocate(self, 1, bytes.len, &address);
        if (memory != NULL) {
            memcpy(memory, bytes.data, bytes.len);
        }
    }
    return address;
}

void put_bytes(arguments *self, spiped_bytes bytes) {
    put_word(self, copy(self->callee, bytes));
    put_word(self, (uint32_t)bytes.len);
}

static void store32(uint8_t *to, uint32_t word) {
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(word >> (8 * i));
    }
}

void put_lists(arguments *self, const spiped_bytes *lists, size_t count) {
    instance *callee = self->callee;
    uint32_t address = 4;
    if (count > 0 && allocate(callee, 4, 8 * count, &address) != NULL) {
        for (size_t i = 0; i < count; i++) {
            uint32_t list = copy(callee, lists[i]);
            /* Where the memory is, may have changed. */
            uint8_t *pair = callee->over ? NULL : at(callee, address, 8 * count);
            if (pair == NULL) {
                break;
            }
            store32(pair + 8 * i, list);
            store32(pair + 8 * i + 4, (uint32_t)lists[i].len);
        }
    }
    put_word(self, address);
    put_word(self, (uint32_t)count);
}

const uint8_t *call(arguments *self, function f) {
    instance *callee = self->callee;
    if (callee->over) {
        return NULL;
    }
    const wasmtime_func_t *func = find(callee, &callee->functions[f], "", signatures[f].name);
    if (!invoke(callee, func, self->words, self->count, &callee->area)) {
        return NULL;
    }
    callee->last = f;
    const uint8_t *result = at(callee, (uint32_t)callee->area, RESULT_LEN);
    if (result == NULL) {
        give_up(callee);
    }
    return result;
}

uint32_t load32(const uint8_t *from) {
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

uint64_t load64(const uint8_t *from) {
    return load32(from) | (uint64_t)load32(from + 4) << 32;
}

bool load_bytes(instance *self, const uint8_t *list, spiped_bytes *bytes) {
    bytes->len = load32(list + 4);
    bytes->data = at(self, load32(list), bytes->len);
    return bytes->data != NULL;
}

void wipe_later(instance *self, spiped_bytes bytes) {
    self->secret = bytes;
}
