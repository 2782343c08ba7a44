#define _POSIX_C_SOURCE 200809L

#include "code.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ACCEPTOR_ "spiped:pipe/acceptor@0.1.0#"
#define SESSION_ "spiped:pipe/session@0.1.0#"

const signature signatures[FUNCTIONS] = {
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
            if (is_named(name, signatures[f].name, "")) {
                found += has_type(type, signatures[f].params, 1);
            } else if (is_named(name, POST, signatures[f].name)) {
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
