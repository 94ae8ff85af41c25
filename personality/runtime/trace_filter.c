/* Conditions on calls: small programs that the reader compiled, judged where the call is made.
 *
 * Truth has three values.  At a call's entry its result and duration are unknown; what is false whatever
 * they will be is not recorded at all, and what depends on them is judged again at the exit. */
#include "core.h"
#include "trace.h"

#define DEEPEST 32 /* operands that wait for their operator; the reader compiles nothing deeper */
#define LONGEST 4096

static const void *policy(u32 offset) { return (const u8 *)trace_area + offset; }

bool trace_matches(u32 automaton, const u8 *text, u64 length)
{
    const u32 *table = policy(trace_area->automata);
    const struct trace_automaton *a = policy(table[automaton]);
    const u8 *ending = (const u8 *)(a + 1);
    const u16 *next = (const u16 *)(ending + ((a->states + 1) & ~1U));
    u32 state = 0;
    for (u64 i = 0; i < length; i++) {
        if (ending[state] & (AUTOMATON_MATCHED | AUTOMATON_HOPELESS))
            break;
        state = next[state * a->classes + a->class_of[text[i]]];
    }
    return ending[state] & (AUTOMATON_MATCHED | AUTOMATON_MATCHES);
}

static bool compare(u32 how, u32 width, u64 left, u64 right)
{
    bool is_signed = width & WIDTH_SIGNED;
    bool less = is_signed ? (s64)left < (s64)right : left < right;
    switch (how) {
    case COMPARE_EQUAL: return left == right;
    case COMPARE_DIFFERENT: return left != right;
    case COMPARE_LESS: return less;
    case COMPARE_LESS_OR_EQUAL: return less || left == right;
    case COMPARE_MORE: return !less && left != right;
    case COMPARE_MORE_OR_EQUAL: return !less;
    case COMPARE_ANY_BIT: return (left & right) != 0;
    default: return (left & right) == right;
    }
}

/* A number of that many bytes, extended as its sign says. */
static u64 extend(u64 value, u32 width)
{
    u32 bytes = width & 0xf;
    if (bytes >= 8 || bytes == 0)
        return value;
    u32 unused = 64 - 8 * bytes;
    return width & WIDTH_SIGNED ? (u64)((s64)(value << unused) >> unused) : value << unused >> unused;
}

static u32 judge_member(const struct trace_op *op, const u64 *a, bool ended)
{
    u64 value = 0;
    u32 bytes = op->width & 0xf;
    if ((op->operand & MEMBER_OF_RESULT) && !ended)
        return TRUTH_UNKNOWN;
    u64 at = a[op->argument] + (op->operand & ~MEMBER_OF_RESULT);
    if (a[op->argument] == 0 || bytes > 8 || copy_in(&value, at, bytes) != 0)
        return TRUTH_FALSE;
    if (op->width & WIDTH_BIG_ENDIAN)
        value = __builtin_bswap64(value) >> (64 - 8 * bytes);
    return compare(op->compare, op->width, extend(value, op->width), op->value);
}

static u32 judge_string(const struct trace_op *op, const u64 *a)
{
    char text[LONGEST];
    long length = a[op->argument] != 0 ? copy_in_string(text, a[op->argument], sizeof(text)) : -EFAULT;
    if (length == -ENAMETOOLONG)
        length = sizeof(text);
    return length >= 0 && trace_matches(op->operand, (const u8 *)text, (u64)length);
}

static u32 judge_bytes(const struct trace_op *op, const u64 *a, bool ended, long result)
{
    u8 bytes[LONGEST];
    u64 length = op->width & WIDTH_COUNTED ? extend(a[op->value], op->width & 0xf) : op->value;
    if (op->compare == BYTES_OF_RESULT) {
        if (!ended)
            return TRUTH_UNKNOWN;
        length = result < 0 ? 0 : (u64)result < length ? (u64)result : length;
    }
    if (length > sizeof(bytes))
        length = sizeof(bytes);
    if (a[op->argument] == 0 || copy_in(bytes, a[op->argument], length) != 0)
        return TRUTH_FALSE;
    return trace_matches(op->operand, bytes, length);
}

static u32 judge_one(struct thread *t, const struct trace_op *op, const u64 *a, bool ended, long result, u64 duration)
{
    switch (op->kind) {
    case OP_CONSTANT:
        return (u32)op->value;
    case OP_ARGUMENT:
        return compare(op->compare, op->width, extend(a[op->argument], op->width), op->value);
    case OP_MEMBER:
        return judge_member(op, a, ended);
    case OP_STRING:
        return judge_string(op, a);
    case OP_BYTES:
        return judge_bytes(op, a, ended, result);
    case OP_NAME:
        return trace_name_matches((s32)a[op->argument], op->operand);
    case OP_PROCESS:
        return compare(op->compare, op->width, (u64)t->process->pid, op->value);
    case OP_THREAD:
        return compare(op->compare, op->width, (u64)t->tid, op->value);
    }
    if (!ended)
        return TRUTH_UNKNOWN;
    if (op->kind == OP_RESULT)
        return compare(op->compare, op->width, extend((u64)result, op->width), op->value);
    if (op->kind == OP_FAILED)
        return is_error(result);
    return compare(op->compare, op->width, duration, op->value);
}

static u32 both(u32 x, u32 y)
{
    if (x == TRUTH_FALSE || y == TRUTH_FALSE)
        return TRUTH_FALSE;
    return x == TRUTH_TRUE && y == TRUTH_TRUE ? TRUTH_TRUE : TRUTH_UNKNOWN;
}

static u32 negation(u32 x) { return x == TRUTH_UNKNOWN ? x : x ^ 1; }

/* The truth of a condition; `ended`: result and duration are known. */
u32 trace_judge(struct thread *t, u32 program, const u64 *a, bool ended, long result, u64 duration)
{
    const u32 *table = policy(trace_area->programs);
    const struct trace_op *op = policy(table[program]);
    u8 stack[DEEPEST];
    u32 depth = 0;
    for (; op->kind != OP_END; op++) {
        if (op->kind == OP_NOT && depth > 0) {
            stack[depth - 1] = (u8)negation(stack[depth - 1]);
        } else if ((op->kind == OP_AND || op->kind == OP_OR) && depth > 1) {
            u32 x = stack[depth - 2], y = stack[depth - 1];
            stack[--depth - 1] = (u8)(op->kind == OP_AND ? both(x, y) : negation(both(negation(x), negation(y))));
        } else if (depth < DEEPEST) {
            stack[depth++] = (u8)judge_one(t, op, a, ended, result, duration);
        }
    }
    return depth == 1 ? stack[0] : TRUTH_UNKNOWN;
}
