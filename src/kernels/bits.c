// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The members of every byte, as the preprocessor works them out: bit k, if it is set, stands behind the set ones
// below it.

#include "bits.h"

// clang-format off
#define BIT(byte, k) ((byte) >> (k) & 1u)
#define BELOW_1(byte) BIT(byte, 0)
#define BELOW_2(byte) (BELOW_1(byte) + BIT(byte, 1))
#define BELOW_3(byte) (BELOW_2(byte) + BIT(byte, 2))
#define BELOW_4(byte) (BELOW_3(byte) + BIT(byte, 3))
#define BELOW_5(byte) (BELOW_4(byte) + BIT(byte, 4))
#define BELOW_6(byte) (BELOW_5(byte) + BIT(byte, 5))
#define BELOW_7(byte) (BELOW_6(byte) + BIT(byte, 6))
#define MEMBER(byte, k) (BIT(byte, k) * (k##u << 4 * BELOW_##k(byte)))
#define MEMBERS(byte) (MEMBER(byte, 1) | MEMBER(byte, 2) | MEMBER(byte, 3) | MEMBER(byte, 4) | MEMBER(byte, 5) | \
                       MEMBER(byte, 6) | MEMBER(byte, 7)) // that 0 is one shows in no bit
#define FOUR(byte) MEMBERS(byte), MEMBERS(byte + 1u), MEMBERS(byte + 2u), MEMBERS(byte + 3u)
#define SIXTEEN(byte) FOUR(byte), FOUR(byte + 4u), FOUR(byte + 8u), FOUR(byte + 12u)
#define SIXTY_FOUR(byte) SIXTEEN(byte), SIXTEEN(byte + 16u), SIXTEEN(byte + 32u), SIXTEEN(byte + 48u)
// clang-format on

const uint32_t weir__members_of_byte[256] = {SIXTY_FOUR(0u), SIXTY_FOUR(64u), SIXTY_FOUR(128u), SIXTY_FOUR(192u)};
