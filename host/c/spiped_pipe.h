/*
 * spiped's encrypted and authenticated pipes for C: the interfaces `acceptor` and
 * `session` of wit/pipe.wit, in sandboxed instances of its component.
 *
 * No sockets, no clock, no randomness: the host moves bytes between two streams
 * and a session, and acts on the statuses. wit/pipe.wit specifies the order of
 * calls and the meaning of each fault; docs/core-module.md describes how this file
 * makes the calls.
 *
 * Sessions and acceptors of one spiped_code may be used by different threads, but
 * each of them by one thread at a time.
 */
#ifndef SPIPED_PIPE_H
#define SPIPED_PIPE_H

#include <stddef.h>
#include <stdint.h>

#define SPIPED_PSK_LEN 32
#define SPIPED_NONCE_LEN 32
#define SPIPED_CLIENT_ENTROPY_LEN 64
#define SPIPED_SERVER_ENTROPY_LEN 32
#define SPIPED_PSK_ID_LEN 16
/* The most bytes of a suspended session. */
#define SPIPED_STATE_MAX 1300
/* 64 packets: calls with this many bytes are the most efficient. Split longer input:
 * an instance has 2 MiB of memory, and traps if that does not suffice. */
#define SPIPED_PLAIN_BATCH (64 * 1024)
#define SPIPED_CRYPT_BATCH (64 * 1060)
/* The most bytes that a call with a batch returns for one side. */
#define SPIPED_OUTPUT_MAX (66 * 1060)

/* The component's compiled code. Make one for the whole program. */
typedef struct spiped_code spiped_code;
/* One end of one connection, alone in its instance. */
typedef struct spiped_session spiped_session;
/* Decides which strangers have a key. */
typedef struct spiped_acceptor spiped_acceptor;

typedef struct spiped_bytes {
    const uint8_t *data;
    size_t len;
} spiped_bytes;

typedef enum spiped_key_exchange {
    SPIPED_MODP2048,
    SPIPED_X25519,
    /* For a server: either, as the client chooses. */
    SPIPED_ANY_KEY_EXCHANGE,
} spiped_key_exchange;

typedef enum spiped_forward_secrecy {
    SPIPED_OFFER,
    SPIPED_REQUIRE,
    SPIPED_OMIT,
} spiped_forward_secrecy;

typedef struct spiped_config {
    spiped_key_exchange key_exchange;
    /* Ignored with only x25519. */
    spiped_forward_secrecy forward_secrecy;
} spiped_config;

typedef enum spiped_peer_fault {
    SPIPED_WRONG_KEY,
    SPIPED_KEY_EXCHANGE_NOT_ACCEPTED,
    SPIPED_REFLECTED,
    SPIPED_PUBLIC_VALUE_OUT_OF_RANGE,
    SPIPED_LOW_ORDER_PUBLIC_VALUE,
    SPIPED_NO_FORWARD_SECRECY,
    SPIPED_FORGED_PACKET,
    SPIPED_BAD_LENGTH,
    SPIPED_DATA_AFTER_END_MARK,
    SPIPED_TRUNCATED_IN_HANDSHAKE,
    SPIPED_TRUNCATED_IN_PACKET,
    SPIPED_TRUNCATED_BEFORE_END_MARK,
    SPIPED_PEER_FAULTS,
} spiped_peer_fault;

typedef enum spiped_misuse {
    SPIPED_PSK_LENGTH,
    SPIPED_DUPLICATE_PSK,
    SPIPED_NONCE_LENGTH,
    SPIPED_ENTROPY_LENGTH,
    SPIPED_BROKEN_RANDOMNESS,
    SPIPED_HELLO_LENGTH,
    SPIPED_START_ORDER,
    SPIPED_NOTHING_TO_COMPUTE,
    SPIPED_COMPUTE_FIRST,
    SPIPED_NOT_ESTABLISHED,
    SPIPED_AFTER_EOF,
    SPIPED_SUSPENDED,
    SPIPED_BAD_STATE,
    SPIPED_MISUSES,
} spiped_misuse;

typedef struct spiped_failure {
    enum {
        SPIPED_FAILED_PEER,
        SPIPED_FAILED_MISUSE,
        SPIPED_FAILED_EXHAUSTED,
        /* The instance trapped, reached a limit, or returned an invalid result. */
        SPIPED_FAILED_TRAP,
    } kind;
    /* With SPIPED_FAILED_PEER. */
    spiped_peer_fault peer;
    /* With SPIPED_FORGED_PACKET and SPIPED_BAD_LENGTH. */
    uint64_t packet_number;
    /* With SPIPED_BAD_LENGTH. */
    uint32_t length;
    /* With SPIPED_FAILED_MISUSE. */
    spiped_misuse misuse;
} spiped_failure;

typedef enum spiped_status {
    SPIPED_HANDSHAKING,
    SPIPED_WANTS_COMPUTE,
    SPIPED_ESTABLISHED,
    SPIPED_FAILED,
} spiped_status;

/*
 * The result of a call. Write both sides' bytes, in order, whatever the status is. The
 * bytes are in the instance's memory: the next call on the session overwrites them.
 */
typedef struct spiped_output {
    spiped_bytes to_crypt;
    spiped_bytes to_plain;
    spiped_status status;
    /* With SPIPED_FAILED. */
    spiped_failure failure;
} spiped_output;

typedef struct spiped_verdict {
    enum {
        SPIPED_MORE,
        SPIPED_AUTHENTICATED,
        SPIPED_REFUSED,
    } kind;
    /* With SPIPED_MORE: how many more bytes are needed at least. */
    uint32_t more;
    /* With SPIPED_AUTHENTICATED. */
    uint32_t psk_index;
    spiped_key_exchange key_exchange;
    uint32_t hello_len;
    /* With SPIPED_REFUSED. */
    spiped_failure failure;
} spiped_verdict;

/*
 * Compiles the component's core module, which takes half a second, and starts a
 * thread that stops calls which do not return. NULL if it is not the module that
 * this file was written for, with the reason in `error`.
 */
spiped_code *spiped_code_new(spiped_bytes module, char *error, size_t error_len);
/* Delete all sessions and acceptors made from it first. */
void spiped_code_delete(spiped_code *code);

/* Sessions. NULL on failure. */
spiped_session *spiped_connect(spiped_code *code, spiped_config config, spiped_bytes psk,
                               spiped_bytes entropy, spiped_failure *failure);
spiped_session *spiped_accept(spiped_code *code, spiped_config config, spiped_bytes our_nonce,
                              spiped_bytes hello, spiped_bytes psk, spiped_bytes entropy,
                              spiped_failure *failure);
spiped_session *spiped_resume(spiped_code *code, spiped_bytes state, spiped_failure *failure);
/* Drops the instance with its memory. NULL is ignored. */
void spiped_session_delete(spiped_session *session);

spiped_output spiped_start(spiped_session *session);
spiped_output spiped_compute(spiped_session *session);
spiped_output spiped_handle_crypt(spiped_session *session, spiped_bytes bytes);
spiped_output spiped_handle_plain(spiped_session *session, spiped_bytes bytes);
spiped_output spiped_crypt_eof(spiped_session *session);
spiped_output spiped_plain_eof(spiped_session *session);

/* These return whether there is a result. It is in the instance's memory, like outputs.
 * The state is secret, and good for one spiped_resume. */
int spiped_suspend(spiped_session *session, spiped_bytes *state, spiped_failure *failure);
int spiped_psk_id(spiped_session *session, spiped_bytes *psk_id);

/* Acceptors. NULL on failure. The keys are copied. */
spiped_acceptor *spiped_acceptor_new(spiped_code *code, spiped_config config,
                                     const spiped_bytes *psks, size_t count,
                                     spiped_failure *failure);
void spiped_acceptor_delete(spiped_acceptor *acceptor);

/* These return whether there is a result. After SPIPED_FAILED_TRAP, make another
 * acceptor. */
int spiped_identify(spiped_acceptor *acceptor, spiped_bytes our_nonce, spiped_bytes received,
                    spiped_verdict *verdict, spiped_failure *failure);
/* Returns whether there is a result: the fault is then in `failure`, as SPIPED_FAILED_PEER. */
int spiped_fault_at_eof(spiped_acceptor *acceptor, spiped_bytes our_nonce, spiped_bytes received,
                        spiped_failure *failure);

/* A failure's name in wit/pipe.wit, such as "forged-packet". */
const char *spiped_failure_name(const spiped_failure *failure);

#endif
