#include "spiped_pipe.h"

#include <stdlib.h>

#include "instance.h"

/* Where things are in results: docs/core-module.md derives it from wit/pipe.wit. */
enum {
    /* result<own, misuse> */
    RESULT_HANDLE = 4,
    RESULT_MISUSE = 4,
    /* result<_, failure>, result<verdict, misuse>, result<peer-fault, misuse> */
    RESULT_WIDE = 8,
    /* option<list<u8>> */
    OPTION_LIST = 4,
    /* record output */
    OUTPUT_TO_CRYPT = 0,
    OUTPUT_TO_PLAIN = 8,
    OUTPUT_STATUS = 16,
    /* variants status, failure, peer-fault, verdict: the case, and what it has */
    VARIANT_VALUE = 8,
    /* record bad-length */
    BAD_LENGTH_LENGTH = 8,
    /* record authenticated */
    AUTHENTICATED_KEY_EXCHANGE = 4,
    AUTHENTICATED_HELLO_LEN = 8,
};

/* A resource, alone in its instance. */
typedef struct resource {
    instance *instance;
    uint32_t handle;
} resource;

/* What the header names are resources and nothing else. */
struct spiped_session {
    resource resource;
};
struct spiped_acceptor {
    resource resource;
};

static const spiped_failure trapped = {.kind = SPIPED_FAILED_TRAP};

static bool lift_misuse(const uint8_t *from, spiped_failure *failure) {
    *failure = (spiped_failure){.kind = SPIPED_FAILED_MISUSE, .misuse = from[0]};
    return from[0] < SPIPED_MISUSES;
}

static bool lift_peer_fault(const uint8_t *from, spiped_failure *failure) {
    *failure = (spiped_failure){.kind = SPIPED_FAILED_PEER, .peer = from[0]};
    const uint8_t *value = from + VARIANT_VALUE;
    if (from[0] == SPIPED_FORGED_PACKET || from[0] == SPIPED_BAD_LENGTH) {
        failure->packet_number = load64(value);
    }
    if (from[0] == SPIPED_BAD_LENGTH) {
        failure->length = load32(value + BAD_LENGTH_LENGTH);
    }
    return from[0] < SPIPED_PEER_FAULTS;
}

static bool lift_failure(const uint8_t *from, spiped_failure *failure) {
    switch (from[0]) {
    case SPIPED_FAILED_PEER:
        return lift_peer_fault(from + VARIANT_VALUE, failure);
    case SPIPED_FAILED_MISUSE:
        return lift_misuse(from + VARIANT_VALUE, failure);
    case SPIPED_FAILED_EXHAUSTED:
        *failure = (spiped_failure){.kind = SPIPED_FAILED_EXHAUSTED};
        return true;
    default:
        return false;
    }
}

static bool lift_verdict(const uint8_t *from, spiped_verdict *verdict) {
    const uint8_t *value = from + VARIANT_VALUE;
    *verdict = (spiped_verdict){.kind = from[0]};
    switch (from[0]) {
    case SPIPED_MORE:
        verdict->more = load32(value);
        return true;
    case SPIPED_AUTHENTICATED:
        verdict->psk_index = load32(value);
        verdict->key_exchange = value[AUTHENTICATED_KEY_EXCHANGE];
        verdict->hello_len = load32(value + AUTHENTICATED_HELLO_LEN);
        return verdict->key_exchange < SPIPED_ANY_KEY_EXCHANGE;
    case SPIPED_REFUSED:
        return lift_peer_fault(value, &verdict->failure);
    default:
        return false;
    }
}

/* A config is two words: which key exchange, and what it has. */
static void put_config(arguments *args, spiped_config config) {
    put_word(args, config.key_exchange);
    put_word(args, config.key_exchange == SPIPED_X25519 ? 0 : config.forward_secrecy);
}

/* What all methods begin with. */
static arguments method(const resource *self) {
    arguments args = arguments_for(self->instance);
    put_word(&args, self->handle);
    return args;
}

/* Whether what was answered is a failure that makes sense. */
static int fail(instance *callee, bool makes_sense, spiped_failure *failure) {
    if (!makes_sense) {
        give_up(callee);
        *failure = trapped;
    }
    return 0;
}

/* Calls a maker, and sets the handle of what it has made. */
static int make(arguments *args, function maker, uint32_t *handle, spiped_failure *failure) {
    const uint8_t *result = call(args, maker);
    if (result == NULL) {
        return fail(args->callee, false, failure);
    }
    /* Beside a failure, which is wider than a misuse, the handle has another place. */
    bool wide = maker == ACCEPT;
    if (result[0] == 0) {
        *handle = load32(result + (wide ? RESULT_WIDE : RESULT_HANDLE));
        return 1;
    }
    return fail(args->callee,
                wide ? lift_failure(result + RESULT_WIDE, failure)
                     : lift_misuse(result + RESULT_MISUSE, failure),
                failure);
}

/* The resource that the maker makes of these arguments. */
static void *make_resource(arguments *args, function maker, spiped_failure *failure) {
    resource made = {.instance = args->callee};
    if (make(args, maker, &made.handle, failure)) {
        resource *self = malloc(sizeof *self);
        if (self != NULL) {
            *self = made;
            return self;
        }
        *failure = trapped;
    }
    instance_delete(args->callee);
    return NULL;
}

static void delete(resource *self) {
    if (self != NULL) {
        instance_delete(self->instance);
        free(self);
    }
}

/* An instance of its own for what is to be made; false if there is none. */
static bool begin(spiped_code *code, arguments *args, spiped_failure *failure) {
    instance *callee = instance_new(code);
    if (callee == NULL) {
        *failure = trapped;
        return false;
    }
    *args = arguments_for(callee);
    return true;
}

spiped_session *spiped_connect(spiped_code *code, spiped_config config, spiped_bytes psk,
                               spiped_bytes entropy, spiped_failure *failure) {
    arguments args;
    if (!begin(code, &args, failure)) {
        return NULL;
    }
    put_config(&args, config);
    put_bytes(&args, psk);
    put_bytes(&args, entropy);
    return make_resource(&args, CONNECT, failure);
}

spiped_session *spiped_accept(spiped_code *code, spiped_config config, spiped_bytes our_nonce,
                              spiped_bytes hello, spiped_bytes psk, spiped_bytes entropy,
                              spiped_failure *failure) {
    arguments args;
    if (!begin(code, &args, failure)) {
        return NULL;
    }
    put_config(&args, config);
    put_bytes(&args, our_nonce);
    put_bytes(&args, hello);
    put_bytes(&args, psk);
    put_bytes(&args, entropy);
    return make_resource(&args, ACCEPT, failure);
}

spiped_session *spiped_resume(spiped_code *code, spiped_bytes state, spiped_failure *failure) {
    arguments args;
    if (!begin(code, &args, failure)) {
        return NULL;
    }
    put_bytes(&args, state);
    return make_resource(&args, RESUME, failure);
}

void spiped_session_delete(spiped_session *session) {
    delete((resource *)session);
}

static spiped_output lift_output(instance *callee, const uint8_t *result) {
    spiped_output output = {.status = SPIPED_FAILED, .failure = trapped};
    spiped_bytes to_crypt, to_plain;
    if (result == NULL) {
        return output;
    }
    const uint8_t *status = result + OUTPUT_STATUS;
    if (!load_bytes(callee, result + OUTPUT_TO_CRYPT, &to_crypt) ||
        !load_bytes(callee, result + OUTPUT_TO_PLAIN, &to_plain) || status[0] > SPIPED_FAILED ||
        (status[0] == SPIPED_FAILED &&
         !lift_failure(status + VARIANT_VALUE, &output.failure))) {
        give_up(callee);
        output.failure = trapped;
        return output;
    }
    wipe_later(callee, to_plain);
    output.to_crypt = to_crypt;
    output.to_plain = to_plain;
    output.status = status[0];
    return output;
}

static spiped_output call_without(spiped_session *session, function f) {
    arguments args = method(&session->resource);
    return lift_output(session->resource.instance, call(&args, f));
}

static spiped_output call_with(spiped_session *session, function f, spiped_bytes bytes) {
    arguments args = method(&session->resource);
    put_bytes(&args, bytes);
    return lift_output(session->resource.instance, call(&args, f));
}

spiped_output spiped_start(spiped_session *session) {
    return call_without(session, START);
}

spiped_output spiped_compute(spiped_session *session) {
    return call_without(session, COMPUTE);
}

spiped_output spiped_handle_crypt(spiped_session *session, spiped_bytes bytes) {
    return call_with(session, HANDLE_CRYPT, bytes);
}

spiped_output spiped_handle_plain(spiped_session *session, spiped_bytes bytes) {
    return call_with(session, HANDLE_PLAIN, bytes);
}

spiped_output spiped_crypt_eof(spiped_session *session) {
    return call_without(session, CRYPT_EOF);
}

spiped_output spiped_plain_eof(spiped_session *session) {
    return call_without(session, PLAIN_EOF);
}

int spiped_suspend(spiped_session *session, spiped_bytes *state, spiped_failure *failure) {
    arguments args = method(&session->resource);
    const uint8_t *result = call(&args, SUSPEND);
    if (result == NULL) {
        return fail(session->resource.instance, false, failure);
    }
    if (result[0] != 0) {
        bool makes_sense = lift_failure(result + RESULT_WIDE, failure);
        return fail(session->resource.instance, makes_sense, failure);
    }
    if (!load_bytes(session->resource.instance, result + RESULT_WIDE, state)) {
        return fail(session->resource.instance, false, failure);
    }
    wipe_later(session->resource.instance, *state);
    return 1;
}

int spiped_psk_id(spiped_session *session, spiped_bytes *psk_id) {
    arguments args = method(&session->resource);
    const uint8_t *result = call(&args, PSK_ID);
    return result != NULL && result[0] == 1 &&
           load_bytes(session->resource.instance, result + OPTION_LIST, psk_id);
}

spiped_acceptor *spiped_acceptor_new(spiped_code *code, spiped_config config,
                                     const spiped_bytes *psks, size_t count,
                                     spiped_failure *failure) {
    arguments args;
    if (!begin(code, &args, failure)) {
        return NULL;
    }
    put_config(&args, config);
    put_lists(&args, psks, count);
    return make_resource(&args, ACCEPTOR, failure);
}

void spiped_acceptor_delete(spiped_acceptor *acceptor) {
    delete((resource *)acceptor);
}

/* The result, if it is not a failure. */
static const uint8_t *ask(spiped_acceptor *acceptor, function f, spiped_bytes our_nonce,
                          spiped_bytes received, spiped_failure *failure) {
    arguments args = method(&acceptor->resource);
    put_bytes(&args, our_nonce);
    put_bytes(&args, received);
    const uint8_t *result = call(&args, f);
    if (result != NULL && result[0] == 0) {
        return result + RESULT_WIDE;
    }
    fail(acceptor->resource.instance, result != NULL && lift_misuse(result + RESULT_WIDE, failure),
         failure);
    return NULL;
}

int spiped_identify(spiped_acceptor *acceptor, spiped_bytes our_nonce, spiped_bytes received,
                    spiped_verdict *verdict, spiped_failure *failure) {
    const uint8_t *answer = ask(acceptor, IDENTIFY, our_nonce, received, failure);
    if (answer == NULL) {
        return 0;
    }
    return lift_verdict(answer, verdict) || fail(acceptor->resource.instance, false, failure);
}

int spiped_fault_at_eof(spiped_acceptor *acceptor, spiped_bytes our_nonce, spiped_bytes received,
                        spiped_failure *failure) {
    const uint8_t *answer = ask(acceptor, FAULT_AT_EOF, our_nonce, received, failure);
    if (answer == NULL) {
        return 0;
    }
    return lift_peer_fault(answer, failure) || fail(acceptor->resource.instance, false, failure);
}

const char *spiped_failure_name(const spiped_failure *failure) {
    static const char *const peer_faults[] = {
        "wrong-key",
        "key-exchange-not-accepted",
        "reflected",
        "public-value-out-of-range",
        "low-order-public-value",
        "no-forward-secrecy",
        "forged-packet",
        "bad-length",
        "data-after-end-mark",
        "truncated-in-handshake",
        "truncated-in-packet",
        "truncated-before-end-mark",
    };
    static const char *const misuses[] = {
        "psk-length",      "duplicate-psk",      "nonce-length",  "entropy-length",
        "broken-randomness", "hello-length",     "start-order",   "nothing-to-compute",
        "compute-first",   "not-established",    "after-eof",     "suspended",
        "bad-state",
    };
    switch (failure->kind) {
    case SPIPED_FAILED_PEER:
        return peer_faults[failure->peer];
    case SPIPED_FAILED_MISUSE:
        return misuses[failure->misuse];
    case SPIPED_FAILED_EXHAUSTED:
        return "exhausted";
    default:
        return "trap";
    }
}
