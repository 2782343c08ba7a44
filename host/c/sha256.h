/* SHA-256, which makes a pre-shared key of a key file. */
#ifndef SPIPED_SHA256_H
#define SPIPED_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_LEN 32

typedef struct sha256 {
    uint32_t state[8];
    uint64_t len;
    uint8_t block[64];
} sha256;

void sha256_init(sha256 *self);
void sha256_update(sha256 *self, const uint8_t *data, size_t len);
/* Wipes what it was made of. */
void sha256_final(sha256 *self, uint8_t digest[SHA256_LEN]);

#endif
