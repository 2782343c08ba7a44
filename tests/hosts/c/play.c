/*
 * Replays transcripts with the C binding: play MODULE FILE...
 *
 * Their format is described in tests/transcripts/README.md. Prints `FILE: N calls`,
 * or the first difference, with the line where it is expected, and exits with 1.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sha256.h"
#include "spiped_pipe.h"

#define KEYS_MAX 16

/* A file, read line by line; and what is played. */
static struct {
    const char *path;
    char *text, *next;
    int number;
    jmp_buf differs;
} file;

static spiped_code *code;

/* Everything that a part is made of, and what it has made. */
static struct {
    char name[16];
    spiped_config config;
    spiped_bytes psks[KEYS_MAX];
    size_t psk_count;
    spiped_bytes entropy, our_nonce, hello, state, received;
    spiped_session *session;
    spiped_acceptor *acceptor;
} part;

static _Noreturn void differ(const char *format, ...) {
    va_list values;
    va_start(values, format);
    fprintf(stderr, "%s:%d: ", file.path, file.number);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    longjmp(file.differs, 1);
}

static void *allocate(size_t len) {
    void *memory = calloc(1, len + 1);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* The next line that says something, or NULL. The text is changed. */
static char *next_line(void) {
    while (file.next != NULL && *file.next != '\0') {
        char *line = file.next;
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        file.next = end == NULL ? NULL : end + 1;
        file.number++;
        if (*line != '\0' && *line != '#') {
            return line;
        }
    }
    return NULL;
}

/* Whether the text begins with the word; then the text goes on behind it. */
static bool take(const char **text, const char *word) {
    size_t len = strlen(word);
    if (strncmp(*text, word, len) != 0) {
        return false;
    }
    *text += len;
    return true;
}

static int digit(char character) {
    const char *digits = "0123456789abcdef";
    const char *at = character == '\0' ? NULL : strchr(digits, character);
    if (at == NULL) {
        differ("no hexadecimal digit: %c", character);
    }
    return (int)(at - digits);
}

/* BYTES, to be freed. */
static spiped_bytes parse_bytes(const char *text) {
    size_t count = 1;
    const char *star = strchr(text, '*');
    if (star != NULL) {
        count = strtoul(text, NULL, 10);
        text = star + 1;
    }
    size_t len = strcmp(text, "-") == 0 ? 0 : strlen(text) / 2;
    uint8_t *data = allocate(len * count);
    for (size_t i = 0; i < len * count; i++) {
        const char *at = text + 2 * (i % len);
        data[i] = (uint8_t)(digit(at[0]) << 4 | digit(at[1]));
    }
    return (spiped_bytes){data, len * count};
}

static void forget(spiped_bytes *bytes) {
    free((void *)bytes->data);
    *bytes = (spiped_bytes){0};
}

/* Whether these are the BYTES of an answer, which may be a digest. */
static bool are_bytes(spiped_bytes bytes, const char *text) {
    const char *at = strchr(text, '@');
    if (at == NULL) {
        spiped_bytes expected = parse_bytes(text);
        bool equal = expected.len == bytes.len && memcmp(expected.data, bytes.data, bytes.len) == 0;
        forget(&expected);
        return equal;
    }
    uint8_t digest[SHA256_LEN];
    sha256 hash;
    sha256_init(&hash);
    sha256_update(&hash, bytes.data, bytes.len);
    sha256_final(&hash, digest);
    return bytes.len == strtoul(text, NULL, 10) &&
           are_bytes((spiped_bytes){digest, sizeof digest}, at + 1);
}

/* The next line must be this one. */
static void expect(const char *actual) {
    const char *expected = next_line();
    if (expected == NULL || strcmp(expected, actual) != 0) {
        differ("expected %.120s, got %s", expected == NULL ? "no more" : expected, actual);
    }
}

/* The next line must begin so, and go on with these bytes. */
static void expect_bytes(const char *start, spiped_bytes bytes) {
    const char *expected = next_line();
    const char *text = expected;
    if (text == NULL || !take(&text, start) || !are_bytes(bytes, text)) {
        differ("expected %.120s, got %s%zu other bytes", expected == NULL ? "no more" : expected,
               start, bytes.len);
    }
}

/* A failure as it is written behind `start`. */
static void expect_failure(const char *start, const spiped_failure *failure) {
    char line[128];
    static const char *const kinds[] = {"peer ", "misuse ", "", ""};
    /* Where only the peer can be at fault, that is not said. */
    const char *kind = strcmp(start, "= failed ") == 0 ? kinds[failure->kind] : "";
    int len = snprintf(line, sizeof line, "%s%s%s", start, kind, spiped_failure_name(failure));
    bool has_number = failure->kind == SPIPED_FAILED_PEER &&
                      (failure->peer == SPIPED_FORGED_PACKET || failure->peer == SPIPED_BAD_LENGTH);
    if (has_number) {
        len += snprintf(line + len, sizeof line - (size_t)len, " %llu",
                        (unsigned long long)failure->packet_number);
    }
    if (has_number && failure->peer == SPIPED_BAD_LENGTH) {
        snprintf(line + len, sizeof line - (size_t)len, " %lu", (unsigned long)failure->length);
    }
    expect(line);
}

static void expect_output(spiped_output output) {
    static const char *const statuses[] = {"= handshaking", "= wants-compute", "= established"};
    if (output.to_crypt.len > 0) {
        expect_bytes("> crypt ", output.to_crypt);
    }
    if (output.to_plain.len > 0) {
        expect_bytes("> plain ", output.to_plain);
    }
    if (output.status == SPIPED_FAILED) {
        expect_failure("= failed ", &output.failure);
    } else {
        expect(statuses[output.status]);
    }
}

static spiped_config parse_config(const char *text) {
    spiped_config config = {.key_exchange = SPIPED_X25519};
    if (take(&text, "modp2048 ")) {
        config.key_exchange = SPIPED_MODP2048;
    } else if (take(&text, "any ")) {
        config.key_exchange = SPIPED_ANY_KEY_EXCHANGE;
    }
    if (strcmp(text, "require") == 0) {
        config.forward_secrecy = SPIPED_REQUIRE;
    } else if (strcmp(text, "omit") == 0) {
        config.forward_secrecy = SPIPED_OMIT;
    }
    return config;
}

static void forget_part(void) {
    spiped_session_delete(part.session);
    spiped_acceptor_delete(part.acceptor);
    for (size_t i = 0; i < part.psk_count; i++) {
        forget(&part.psks[i]);
    }
    forget(&part.entropy);
    forget(&part.our_nonce);
    forget(&part.hello);
    forget(&part.state);
    forget(&part.received);
    memset(&part, 0, sizeof part);
}

/* Makes what all lines of a part have said. */
static void make(void) {
    spiped_failure failure;
    if (strcmp(part.name, "connect") == 0) {
        part.session = spiped_connect(code, part.config, part.psks[0], part.entropy, &failure);
    } else if (strcmp(part.name, "accept") == 0) {
        part.session = spiped_accept(code, part.config, part.our_nonce, part.hello, part.psks[0],
                                     part.entropy, &failure);
    } else if (strcmp(part.name, "resume") == 0) {
        part.session = spiped_resume(code, part.state, &failure);
    } else {
        part.acceptor =
            spiped_acceptor_new(code, part.config, part.psks, part.psk_count, &failure);
    }
    if (part.session != NULL || part.acceptor != NULL) {
        expect("= made");
    } else {
        expect_failure("= failed ", &failure);
    }
}

/* A line of what a part is made of. */
static bool parse_setting(const char *text) {
    if (take(&text, "config: ")) {
        part.config = parse_config(text);
    } else if (take(&text, "psk: ") && part.psk_count < KEYS_MAX) {
        part.psks[part.psk_count++] = parse_bytes(text);
    } else if (take(&text, "entropy: ")) {
        part.entropy = parse_bytes(text);
    } else if (take(&text, "our-nonce: ")) {
        part.our_nonce = parse_bytes(text);
    } else if (take(&text, "hello: ")) {
        part.hello = parse_bytes(text);
    } else if (take(&text, "state: ")) {
        part.state = parse_bytes(text);
    } else {
        return false;
    }
    return true;
}

static void identify(const char *text) {
    spiped_bytes more = parse_bytes(text);
    uint8_t *all = allocate(part.received.len + more.len);
    if (part.received.len > 0) {
        memcpy(all, part.received.data, part.received.len);
    }
    memcpy(all + part.received.len, more.data, more.len);
    size_t len = part.received.len + more.len;
    forget(&part.received);
    forget(&more);
    part.received = (spiped_bytes){all, len};

    static const char *const key_exchanges[] = {"modp2048", "x25519"};
    char line[64];
    spiped_verdict verdict;
    spiped_failure failure;
    if (!spiped_identify(part.acceptor, part.our_nonce, part.received, &verdict, &failure)) {
        expect_failure("= failed ", &failure);
    } else if (verdict.kind == SPIPED_REFUSED) {
        expect_failure("= refused ", &verdict.failure);
    } else {
        if (verdict.kind == SPIPED_MORE) {
            snprintf(line, sizeof line, "= more %lu", (unsigned long)verdict.more);
        } else {
            snprintf(line, sizeof line, "= authenticated %lu %s %lu",
                     (unsigned long)verdict.psk_index, key_exchanges[verdict.key_exchange],
                     (unsigned long)verdict.hello_len);
        }
        expect(line);
    }
}

static bool call_acceptor(const char *text) {
    spiped_failure failure;
    if (take(&text, "identify ")) {
        identify(text);
    } else if (strcmp(text, "fault-at-eof") == 0) {
        bool is_fault =
            spiped_fault_at_eof(part.acceptor, part.our_nonce, part.received, &failure);
        expect_failure(is_fault ? "= fault " : "= failed ", &failure);
    } else {
        return false;
    }
    return true;
}

static bool call_session(const char *text) {
    spiped_bytes bytes;
    spiped_failure failure;
    if (strcmp(text, "start") == 0) {
        expect_output(spiped_start(part.session));
    } else if (strcmp(text, "compute") == 0) {
        expect_output(spiped_compute(part.session));
    } else if (strcmp(text, "crypt-eof") == 0) {
        expect_output(spiped_crypt_eof(part.session));
    } else if (strcmp(text, "plain-eof") == 0) {
        expect_output(spiped_plain_eof(part.session));
    } else if (take(&text, "crypt ")) {
        bytes = parse_bytes(text);
        expect_output(spiped_handle_crypt(part.session, bytes));
        forget(&bytes);
    } else if (take(&text, "plain ")) {
        bytes = parse_bytes(text);
        expect_output(spiped_handle_plain(part.session, bytes));
        forget(&bytes);
    } else if (strcmp(text, "psk-id") == 0) {
        if (spiped_psk_id(part.session, &bytes)) {
            expect_bytes("= psk-id ", bytes);
        } else {
            expect("= none");
        }
    } else if (strcmp(text, "suspend") == 0) {
        if (spiped_suspend(part.session, &bytes, &failure)) {
            expect_bytes("= state ", bytes);
        } else {
            expect_failure("= failed ", &failure);
        }
    } else {
        return false;
    }
    return true;
}

static bool is_part(const char *text) {
    return strcmp(text, "connect") == 0 || strcmp(text, "acceptor") == 0 ||
           strcmp(text, "accept") == 0 || strcmp(text, "resume") == 0;
}

/* The number of calls. */
static int play(void) {
    int calls = 0;
    for (const char *line = next_line(); line != NULL; line = next_line()) {
        if (is_part(line)) {
            forget_part();
            snprintf(part.name, sizeof part.name, "%s", line);
        } else if (parse_setting(line)) {
            /* An answer follows the last of them. */
            if (file.next != NULL && strncmp(file.next, "= ", 2) == 0) {
                make();
            }
        } else if ((part.acceptor != NULL && call_acceptor(line)) ||
                   (part.session != NULL && call_session(line))) {
            calls++;
        } else {
            differ("no call: %.120s", line);
        }
    }
    return calls;
}

static char *read_all(const char *path, size_t *len) {
    FILE *opened = fopen(path, "rb");
    if (opened == NULL || fseek(opened, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    *len = (size_t)ftell(opened);
    char *text = allocate(*len);
    rewind(opened);
    if (fread(text, 1, *len, opened) != *len) {
        perror(path);
        exit(1);
    }
    fclose(opened);
    return text;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("usage: play MODULE FILE...\n", stderr);
        return 1;
    }
    size_t len;
    char error[256], *module = read_all(argv[1], &len);
    code = spiped_code_new((spiped_bytes){(uint8_t *)module, len}, error, sizeof error);
    free(module);
    if (code == NULL) {
        fprintf(stderr, "%s: %s\n", argv[1], error);
        return 1;
    }
    volatile int result = 0;
    for (volatile int i = 2; i < argc; i++) {
        file.path = argv[i];
        file.next = file.text = read_all(argv[i], &len);
        file.number = 0;
        if (setjmp(file.differs) == 0) {
            printf("%s: %d calls\n", file.path, play());
        } else {
            result = 1;
        }
        forget_part();
        free(file.text);
    }
    spiped_code_delete(code);
    return result;
}
