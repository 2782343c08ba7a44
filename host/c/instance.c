#define _POSIX_C_SOURCE 200809L

#include "instance.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wasmtime.h>

/* Twice what a session needs with batches of 64 packets. */
#define MEMORY_MAX (2 << 20)
/* A call that takes longer than a second has broken down; a busy machine gets as
 * much again. */
#define TICK_NS 250000000
#define TICKS_MAX 8

#define ACCEPTOR_ "spiped:pipe/acceptor@0.1.0#"
#define SESSION_ "spiped:pipe/session@0.1.0#"

/* Each takes so many words and returns one. */
static const struct {
    const char *name;
    size_t params;
} functions[FUNCTIONS] = {
    [REALLOC] = {"cabi_realloc", 4},
    [ACCEPTOR] = {ACCEPTOR_ "[constructor]acceptor", 4},
    [IDENTIFY] = {ACCEPTOR_ "[method]acceptor.identify", 5},
    [FAULT_AT_EOF] = {ACCEPTOR_ "[method]acceptor.fault-at-eof", 5},
    [CONNECT] = {SESSION_ "[static]session.connect", 6},
    [ACCEPT] = {SESSION_ "[static]session.accept", 10},
    [RESUME] = {SESSION_ "[static]session.resume", 2},
    [START] = {SESSION_ "[method]session.start", 1},
    [COMPUTE] = {SESSION_ "[method]session.compute", 1},
    [HANDLE_CRYPT] = {SESSION_ "[method]session.handle-crypt", 3},
    [HANDLE_PLAIN] = {SESSION_ "[method]session.handle-plain", 3},
    [CRYPT_EOF] = {SESSION_ "[method]session.crypt-eof", 1},
    [PLAIN_EOF] = {SESSION_ "[method]session.plain-eof", 1},
    [SUSPEND] = {SESSION_ "[method]session.suspend", 1},
    [PSK_ID] = {SESSION_ "[method]session.psk-id", 1},
};
#define POST "cabi_post_"

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

static void *tick(void *argument) {
    spiped_code *code = argument;
    pthread_mutex_lock(&code->lock);
    while (!code->stopping) {
        struct timespec next;
        clock_gettime(CLOCK_REALTIME, &next);
        next.tv_nsec += TICK_NS;
        next.tv_sec += next.tv_nsec / 1000000000;
        next.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&code->stop, &code->lock, &next);
        wasmtime_engine_increment_epoch(code->engine);
    }
    pthread_mutex_unlock(&code->lock);
    return NULL;
}

/* A component runtime's table of handles. There is one resource in an instance: its
 * representation is its handle. */
static wasm_trap_t *resource_new(void *env, wasmtime_caller_t *caller, const wasmtime_val_t *args,
                                 size_t nargs, wasmtime_val_t *results, size_t nresults) {
    (void)env, (void)caller, (void)nargs;
    if (nresults == 1) {
        results[0] = args[0];
    }
    return NULL;
}

static bool is_i32(const wasm_valtype_vec_t *types, size_t count) {
    for (size_t i = 0; i < types->size; i++) {
        if (wasm_valtype_kind(types->data[i]) != WASM_I32) {
            return false;
        }
    }
    return types->size == count;
}

/* Calls are not checked by anyone later. */
static bool has_type(const wasm_externtype_t *type, size_t params, size_t results) {
    const wasm_functype_t *functype = wasm_externtype_as_functype_const(type);
    return functype != NULL && is_i32(wasm_functype_params(functype), params) &&
           is_i32(wasm_functype_results(functype), results);
}

static bool is_named(const wasm_name_t *name, const char *prefix, const char *rest) {
    size_t len = strlen(prefix);
    return name->size == len + strlen(rest) && memcmp(name->data, prefix, len) == 0 &&
           memcmp(name->data + len, rest, strlen(rest)) == 0;
}

/* Whether all functions are there, and those that are called have their types. */
static bool check_exports(const wasmtime_module_t *module) {
    wasm_exporttype_vec_t exports;
    wasmtime_module_exports(module, &exports);
    size_t found = 0;
    bool fits = true;
    for (size_t i = 0; i < exports.size; i++) {
        const wasm_name_t *name = wasm_exporttype_name(exports.data[i]);
        const wasm_externtype_t *type = wasm_exporttype_type(exports.data[i]);
        if (is_named(name, "memory", "")) {
            found += wasm_externtype_kind(type) == WASM_EXTERN_MEMORY;
        }
        for (function f = 0; f < FUNCTIONS; f++) {
            if (is_named(name, functions[f].name, "")) {
                found += has_type(type, functions[f].params, 1);
            } else if (is_named(name, POST, functions[f].name)) {
                fits = fits && has_type(type, 1, 0);
            }
        }
    }
    wasm_exporttype_vec_delete(&exports);
    return fits && found == FUNCTIONS + 1;
}

static wasmtime_error_t *link_imports(spiped_code *code) {
    wasm_importtype_vec_t imports;
    wasmtime_module_imports(code->module, &imports);
    wasmtime_error_t *error = NULL;
    for (size_t i = 0; i < imports.size && error == NULL; i++) {
        const wasm_name_t *module = wasm_importtype_module(imports.data[i]);
        const wasm_name_t *name = wasm_importtype_name(imports.data[i]);
        const wasm_externtype_t *type = wasm_importtype_type(imports.data[i]);
        if (!has_type(type, 1, 1) && !has_type(type, 1, 0)) {
            error = wasmtime_error_new("an import is not that of a table of handles");
        } else {
            error = wasmtime_linker_define_func(
                code->linker, module->data, module->size, name->data, name->size,
                wasm_externtype_as_functype_const(type), resource_new, NULL, NULL);
        }
    }
    wasm_importtype_vec_delete(&imports);
    return error;
}

static wasmtime_error_t *compile(spiped_code *code, spiped_bytes module) {
    wasm_config_t *config = wasm_config_new();
    wasmtime_config_epoch_interruption_set(config, true);
    code->engine = wasm_engine_new_with_config(config);
    code->linker = wasmtime_linker_new(code->engine);
    wasmtime_error_t *error =
        wasmtime_module_new(code->engine, module.data, module.len, &code->module);
    if (error == NULL && !check_exports(code->module)) {
        error = wasmtime_error_new("this is not spiped's core module, or another version of it");
    }
    if (error == NULL) {
        error = link_imports(code);
    }
    if (error == NULL && pthread_create(&code->clock, NULL, tick, code) != 0) {
        error = wasmtime_error_new("there is no thread for the clock");
    }
    code->ticking = error == NULL;
    return error;
}

spiped_code *spiped_code_new(spiped_bytes module, char *error, size_t error_len) {
    spiped_code *code = calloc(1, sizeof *code);
    if (code == NULL) {
        snprintf(error, error_len, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&code->lock, NULL);
    pthread_cond_init(&code->stop, NULL);
    wasmtime_error_t *failure = compile(code, module);
    if (failure == NULL) {
        return code;
    }
    wasm_name_t message;
    wasmtime_error_message(failure, &message);
    snprintf(error, error_len, "%.*s", (int)message.size, message.data);
    wasm_name_delete(&message);
    wasmtime_error_delete(failure);
    spiped_code_delete(code);
    return NULL;
}

void spiped_code_delete(spiped_code *code) {
    if (code == NULL) {
        return;
    }
    if (code->ticking) {
        pthread_mutex_lock(&code->lock);
        code->stopping = true;
        pthread_cond_signal(&code->stop);
        pthread_mutex_unlock(&code->lock);
        pthread_join(code->clock, NULL);
    }
    wasmtime_linker_delete(code->linker);
    if (code->module != NULL) {
        wasmtime_module_delete(code->module);
    }
    wasm_engine_delete(code->engine);
    pthread_cond_destroy(&code->stop);
    pthread_mutex_destroy(&code->lock);
    free(code);
}

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
        const wasmtime_func_t *post = find(callee, &callee->posts[last], POST, functions[last].name);
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
        find(self, &self->functions[REALLOC], "", functions[REALLOC].name);
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
    const wasmtime_func_t *func = find(callee, &callee->functions[f], "", functions[f].name);
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
