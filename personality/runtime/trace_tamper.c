/* Tampering: what the user ordered to happen to calls that meet a condition.
 *
 * Which of them it happens to is counted over the whole run, in the trace area that all processes share. */
#include "core.h"
#include "trace.h"
#include <linux/fcntl.h>
#include <linux/time.h>

#define NS_PER_SECOND 1000000000UL

static const struct trace_rule *rule_at(u64 i)
{
    return (const struct trace_rule *)((const u8 *)trace_area + trace_area->rules) + i;
}

static bool is_due(struct thread *t, const struct trace_rule *rule, const u64 *a)
{
    u64 *counters = (u64 *)((u8 *)trace_area + trace_area->counters);
    if (rule->condition != 0 && trace_judge(t, rule->condition - 1, a, false, 0, 0) != TRUTH_TRUE)
        return false;
    u64 n = __atomic_add_fetch(&counters[rule->counter], 1, __ATOMIC_RELAXED);
    return n >= rule->first && n <= rule->last && (n - rule->first) % rule->step == 0;
}

/* A signal ends the wait, or nobody could interrupt the program. */
static void wait_for(u64 ns)
{
    struct timespec_host time = {(s64)(ns / NS_PER_SECOND), (s64)(ns % NS_PER_SECOND)};
    if (ns != 0)
        host_intr(__NR_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, 0);
}

/* Constants too, as a debugger would: the process's own memory file does not mind. */
static void change_memory(struct trace_thread *state, const struct trace_rule *rule, const u64 *a)
{
    u64 to = a[rule->memory_argument] + rule->memory_offset;
    const u8 *bytes = (const u8 *)trace_area + rule->memory_at;
    bool done = a[rule->memory_argument] != 0 && copy_out(to, bytes, rule->memory_length) == 0;
    if (!done && a[rule->memory_argument] != 0) {
        long fd = host(__NR_openat, AT_FDCWD, "/proc/self/mem", O_WRONLY | O_CLOEXEC);
        done = !is_error(fd) && host(__NR_pwrite64, fd, bytes, rule->memory_length, to) == (long)rule->memory_length;
        if (!is_error(fd))
            host(__NR_close, fd);
    }
    state->tampered |= done ? TAMPERED_MEMORY : 0;
}

static void apply(struct thread *t, const struct trace_rule *rule, u64 *a)
{
    wait_for(rule->delay_before);
    if (rule->actions & TAMPERED_ARGUMENT)
        a[rule->argument] = rule->new_argument;
    if ((rule->actions & TAMPERED_MEMORY) && !rule->memory_after)
        change_memory(t->trace_state, rule, a);
    if (rule->actions & TAMPERED_SIGNAL)
        host(__NR_tgkill, t->process->pid, t->tid, rule->signal);
}

/* True: *result is the call's, and it is not made. */
bool trace_tamper_before(struct thread *t, u64 first_rule, u64 *a, long *result)
{
    struct trace_thread *state = trace_thread_of(t);
    bool answered = false;
    if (state == NULL)
        return false;
    state->fired_count = 0;
    state->tampered = 0;
    for (const struct trace_rule *rule = rule_at(first_rule);; rule++) {
        if (state->fired_count < TRACE_FIRED && is_due(t, rule, a)) {
            state->fired[state->fired_count++] = rule;
            state->tampered |= rule->actions & ~(u32)TAMPERED_MEMORY;
            apply(t, rule, a);
            if (rule->actions & TAMPERED_RESULT) {
                *result = rule->result;
                answered = true;
            }
        }
        if (!rule->more)
            return answered;
    }
}

void trace_tamper_after(struct thread *t, const u64 *a)
{
    struct trace_thread *state = t->trace_state;
    for (u32 i = 0; i < state->fired_count; i++) {
        const struct trace_rule *rule = state->fired[i];
        if ((rule->actions & TAMPERED_MEMORY) && rule->memory_after)
            change_memory(state, rule, a);
        wait_for(rule->delay_after);
    }
}
