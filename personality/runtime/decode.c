/* Lengths of x86-64 instructions, decoded forward from a known boundary.
 *
 * Enough to walk compiled code to the end of a function, where padding may begin.  0 means "not
 * known": the caller then leaves the code alone.  Source: Intel SDM volume 2, appendix A. */
#include "core.h"

/* One letter per one-byte opcode: what follows it.  n nothing, m modrm, b modrm+imm8, z modrm+imm32,
 * 1 imm8, 4 imm32, 2 imm16, e imm8 ending flow, E rel32 ending flow, r ends flow, R imm16 ends flow,
 * p prefix, P padding, 3 imm16+imm8, o moffs64, v mov imm, f test group, x two-byte escape, ? bad */
static const char one_byte[257] =
    "mmmm14??" "mmmm14?x" /* 00 */
    "mmmm14??" "mmmm14??" /* 10 */
    "mmmm14p?" "mmmm14p?" /* 20 */
    "mmmm14p?" "mmmm14p?" /* 30 */
    "pppppppp" "pppppppp" /* 40: REX */
    "nnnnnnnn" "nnnnnnnn" /* 50 */
    "???mpppp" "4z1bnnnn" /* 60 */
    "11111111" "11111111" /* 70 */
    "bz?bmmmm" "mmmmmmmm" /* 80 */
    "Pnnnnnnn" "nn?nnnnn" /* 90 */
    "oooonnnn" "14nnnnnn" /* a0 */
    "11111111" "vvvvvvvv" /* b0 */
    "bbRr??bz" "3nRrP1?n" /* c0 */
    "mmmm???n" "mmmmmmmm" /* d0 */
    "11111111" "4E?ennnn" /* e0 */
    "p?ppnnff" "nnnnnnmg" /* f0 */;

/* The same for 0f xx: the regular ones are modrm; exceptions are listed. */
static u32 two_byte(u8 op, u32 *kind)
{
    *kind = INSTRUCTION_OTHER;
    if (op == 0x0b) {
        *kind = INSTRUCTION_ENDS_FLOW;
        return 'n';
    }
    if (op == 0x1f) {
        *kind = INSTRUCTION_PADDING;
        return 'm';
    }
    if (op >= 0x80 && op <= 0x8f)
        return '4';
    if (op == 0x05 || op == 0x31 || op == 0xa2 || op == 0x77 || op == 0x06 || op == 0x08 || op == 0x09 ||
        (op >= 0xc8 && op <= 0xcf) || op == 0xa0 || op == 0xa1 || op == 0xa8 || op == 0xa9)
        return 'n';
    if ((op >= 0x70 && op <= 0x73) || op == 0xa4 || op == 0xac || op == 0xba || op == 0xc2 ||
        (op >= 0xc4 && op <= 0xc6))
        return 'b';
    if (op == 0x38 || op == 0x3a || op == 0x04 || op == 0x0a || op == 0x0c || op == 0x0f || op == 0x24)
        return '?';
    return 'm';
}

static u32 modrm_length(const u8 *at, u32 room)
{
    if (room < 1)
        return 0;
    u32 mod = at[0] >> 6, rm = at[0] & 7, n = 1;
    if (mod == 3)
        return 1;
    if (rm == 4) {
        if (room < 2)
            return 0;
        n++;
        if (mod == 0 && (at[1] & 7) == 5)
            n += 4;
    } else if (mod == 0 && rm == 5) {
        n += 4;
    }
    return n + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

u32 instruction_length(const u8 *code, u32 room, u32 *kind)
{
    u32 n = 0;
    bool wide = false, narrow = false;
    *kind = INSTRUCTION_OTHER;
    while (n < room && n < 14 && one_byte[code[n]] == 'p') {
        narrow |= code[n] == 0x66;
        wide = (code[n] & 0xf8) == 0x48;
        n++;
    }
    if (n >= room)
        return 0;
    u8 op = code[n++];
    char form = one_byte[op];
    if (form == 'x') {
        if (n >= room)
            return 0;
        form = (char)two_byte(code[n++], kind);
    } else if (form == 'P') {
        *kind = INSTRUCTION_PADDING;
        return n;
    }
    u32 immediate = 0;
    bool has_modrm = false;
    switch (form) {
    case 'n': break;
    case '1': immediate = 1; break;
    case '2': immediate = 2; break;
    case '3': immediate = 3; break;
    case '4': immediate = narrow && op != 0x0f && op != 0xe8 ? 2 : 4; break;
    case 'o': immediate = 8; break;
    case 'v': immediate = wide ? 8 : narrow ? 2 : 4; break;
    case 'm': has_modrm = true; break;
    case 'b': has_modrm = true; immediate = 1; break;
    case 'z': has_modrm = true; immediate = narrow ? 2 : 4; break;
    case 'e': immediate = 1; *kind = INSTRUCTION_ENDS_FLOW; break;
    case 'E': immediate = 4; *kind = INSTRUCTION_ENDS_FLOW; break;
    case 'R': immediate = 2; *kind = INSTRUCTION_ENDS_FLOW; break;
    case 'r': *kind = INSTRUCTION_ENDS_FLOW; break;
    case 'f':
        has_modrm = true;
        if (n < room && ((code[n] >> 3) & 7) < 2)
            immediate = op == 0xf6 ? 1 : narrow ? 2 : 4;
        break;
    case 'g': /* ff: /4 and /5 jump */
        has_modrm = true;
        if (n < room && (((code[n] >> 3) & 7) == 4 || ((code[n] >> 3) & 7) == 5))
            *kind = INSTRUCTION_ENDS_FLOW;
        break;
    default: return 0;
    }
    if (op == 0xf4)
        *kind = INSTRUCTION_ENDS_FLOW;
    if (has_modrm) {
        u32 m = modrm_length(code + n, room - n);
        if (m == 0)
            return 0;
        n += m;
    }
    n += immediate;
    return n <= room ? n : 0;
}
