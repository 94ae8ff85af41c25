/* Tampering: what the user ordered to happen to calls that meet a condition.
 *
 * Which of them it happens to is counted over the whole run, in the trace area that all processes share. */
#include "core.h"
#include "trace.h"
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

static void change_memory(const struct trace_rule *rule, const u64 *a)
{
    u64 to = a[rule->memory_argument];
    if (to != 0)
        copy_out(to + rule->memory_offset, (const u8 *)trace_area + rule->memory_at, rule->memory_length);
}

static void apply(struct thread *t, const struct trace_rule *rule, u64 *a)
{
    wait_for(rule->delay_before);
    if (rule->actions & TAMPERED_ARGUMENT)
        a[rule->argument] = rule->new_argument;
    if ((rule->actions & TAMPERED_MEMORY) && !rule->memory_after)
        change_memory(rule, a);
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
            state->tampered |= rule->actions;
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
    const struct trace_thread *state = t->trace_state;
    for (u32 i = 0; i < state->fired_count; i++) {
        const struct trace_rule *rule = state->fired[i];
        if ((rule->actions & TAMPERED_MEMORY) && rule->memory_after)
            change_memory(rule, a);
        wait_for(rule->delay_after);
    }
}
